/** What the session of a browser opens at a client that is not for everybody, and what it does not. */
import { test, type Test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  answerOf,
  DEMO,
  fieldOf,
  idClaims,
  openBrowser,
  redeem,
  requestUrl,
  type Change,
} from '../app.ts'
import { refresh, refreshTokenOf, SAME_ORIGIN } from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { client, registering } from '../registered-clients.ts'

const SALES: Change = { client_id: 'sales', scope: 'openid odoo.read' }
const ASKING: Change = { ...SALES, client_id: 'asking-sales' }

/** A browser in which somebody has signed in to an app for everybody. */
async function start(t: Test) {
  const groups = ['sale.group_a', 'sale.group_b']
  const clients = [
    client(),
    client({ client_id: 'sales', groups }),
    client({ client_id: 'asking-sales', groups, first_party: false }),
  ]
  const { app, addon } = await startPairedBridge(t, registering(t, ...clients))
  const browser = openBrowser(app)
  const answer = await browser.send(requestUrl({ client_id: 'an-app' }), DEMO)
  t.ok(answerOf(answer).get('code'))
  return { app, addon, browser }
}

test('a session of the browser lets nobody in where they are in none of the groups', async (t) => {
  const { app, addon, browser } = await start(t)
  for (const change of [
    SALES,
    { ...SALES, prompt: 'none' },
    ASKING,
    { ...ASKING, prompt: 'none' },
  ]) {
    const refused = await browser.open(requestUrl(change))
    t.equal(refused.statusCode, 303, JSON.stringify(change))
    t.equal(answerOf(refused).get('error'), 'access_denied')
    t.equal(answerOf(refused).get('state'), 'the state')
    t.notOk(answerOf(refused).has('code'))
  }
  const again = await browser.send(requestUrl({ ...SALES, prompt: 'login' }), DEMO)
  t.equal(answerOf(again).get('error'), 'access_denied', 'nor does the password')
  t.ok(answerOf(await browser.open(requestUrl({ client_id: 'an-app' }))).get('code'), 'still there')

  addon.groups = ['base.group_user', 'sale.group_b']
  const tokens = await redeem(app, await browser.open(requestUrl(SALES)), 'sales')
  t.equal(idClaims(tokens.id_token).sub, '6', 'as soon as Odoo says so')
  addon.groups = ['base.group_user']
  const out = await browser.open(requestUrl(SALES))
  t.equal(answerOf(out).get('error'), 'access_denied', 'and as long: no answer is remembered')
})

test('only a client that is not for everybody costs Odoo a question', async (t) => {
  const { addon, browser } = await start(t)
  const before = addon.calls.length
  await browser.open(requestUrl({ client_id: 'an-app' }))
  t.equal(addon.calls.length, before)
  await browser.open(requestUrl(SALES))
  t.same(addon.calls.slice(before), ['profile'])
})

test('whom Odoo does not stand by is asked to sign in', async (t) => {
  const { addon, browser } = await start(t)
  addon.stamps.set(6, 'another stamp')
  const answer = await browser.open(requestUrl(SALES))
  t.equal(answer.statusCode, 200, 'the form')
  t.equal((await browser.open(requestUrl({ client_id: 'an-app' }))).statusCode, 200, 'everywhere')
})

test('while Odoo cannot be asked nobody is let in on the word of before', async (t) => {
  const { addon, browser } = await start(t)
  addon.failWith = 500
  const answer = await browser.open(requestUrl(SALES))
  t.equal(answer.statusCode, 503)
  t.notOk(answer.headers.location)
})

test('what was true when consent was asked for has to be true when it is given', async (t) => {
  const { addon, browser } = await start(t)
  addon.groups = ['sale.group_a']
  const url = requestUrl(ASKING)
  const held_identity = fieldOf((await browser.open(url)).body, 'held_identity')
  t.ok(held_identity)
  addon.groups = []
  const put = await browser.send(url, { held_identity, consent: 'allow' })
  t.equal(answerOf(put).get('error'), 'access_denied')

  addon.groups = ['sale.group_a']
  const page = await browser.open(requestUrl({ ...ASKING, prompt: 'consent' }))
  const later = requestUrl({ ...ASKING, prompt: 'consent' })
  const held = fieldOf(page.body, 'held_identity')
  const leave = await browser.open(PATHS.endSession)
  const held_request = fieldOf(leave.body, 'held_request')
  await browser.send(PATHS.endSession, { held_request }, SAME_ORIGIN)
  const late = await browser.send(later, { held_identity: held, consent: 'allow' })
  t.equal(late.statusCode, 401, 'a page that was left open does not sign in whoever signed out')
  t.notOk(late.headers.location)
})

test('signing in with a password at the PWA replaces who was there, as at any other door', async (t) => {
  const { app, browser } = await start(t)
  const signIn = (who: string) =>
    app.inject({
      method: 'POST',
      url: PATHS.login,
      headers: SAME_ORIGIN,
      cookies: browser.cookies,
      payload: { login: who, password: who },
    })
  const tokens = await redeem(
    app,
    await browser.open(requestUrl({ client_id: 'an-app' })),
    'an-app',
  )
  const appGoesOn = async (refresh_token: string) => {
    const body = { grant_type: 'refresh_token', client_id: 'an-app', refresh_token }
    return openBrowser(app).send(PATHS.token, body)
  }

  const before = browser.cookies['drawbridge_refresh'] ?? ''
  const again = await signIn('demo')
  t.equal(again.cookies.length, 1)
  t.equal((await refresh(app, before)).statusCode, 401, 'the cookie of before')
  const next = await appGoesOn(tokens.refresh_token)
  t.equal(next.statusCode, 200, 'the app of the same user')

  browser.cookies['drawbridge_refresh'] = refreshTokenOf(again)
  t.equal((await signIn('other')).statusCode, 200)
  t.equal((await refresh(app, refreshTokenOf(again))).statusCode, 401)
  const { refresh_token } = next.json<typeof tokens>()
  t.equal((await appGoesOn(refresh_token)).statusCode, 400, 'the app of somebody else')
})

test('a browser’s token that is shown by two ends what was let in by that browser', async (t) => {
  const { app, browser } = await start(t)
  const first = browser.cookies['drawbridge_refresh'] ?? ''
  const second = await refresh(app, first)
  await refresh(app, refreshTokenOf(second))
  browser.cookies['drawbridge_refresh'] = refreshTokenOf(second)
  const opened = await browser.open(requestUrl({ client_id: 'an-app' }))
  const { refresh_token } = await redeem(app, opened, 'an-app')

  t.equal((await refresh(app, first)).statusCode, 401, 'two generations old')
  const body = { grant_type: 'refresh_token', client_id: 'an-app', refresh_token }
  const answer = await openBrowser(app).send(PATHS.token, body)
  t.equal(answer.statusCode, 400, 'whoever of the two had let the app in')
})
