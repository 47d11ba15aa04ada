/** What an app that is not of the house has to ask for. */
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import {
  answerOf,
  DEMO,
  fieldOf,
  openBrowser,
  redeem,
  requestUrl,
  startWithBrowser,
} from '../app.ts'
import { continueWithOdoo } from '../fake-addon.ts'
import { accessClaims, refreshTokenOf, startBridge } from '../helper.ts'

test('an app that is not of the house has to be let in, once for what it asks', async (t) => {
  const { app, browser } = await startWithBrowser(t)
  const asking = { client_id: 'asking-app', scope: 'openid email' }
  const url = requestUrl(asking)
  const page = await browser.send(url, DEMO)
  t.equal(page.statusCode, 200)
  t.match(page.body, /Other app asks for access/)
  t.match(page.body, /read your e-mail address/)
  const none = await browser.open(requestUrl({ ...asking, prompt: 'none' }))
  t.equal(answerOf(none).get('error'), 'consent_required')
  const held_identity = fieldOf(page.body, 'held_identity')
  t.notMatch(held_identity, 'demo')

  const denied = await browser.send(url, { held_identity, consent: 'deny' })
  t.equal(answerOf(denied).get('error'), 'access_denied')
  t.equal(answerOf(denied).get('state'), 'the state')

  const elsewhere = { 'sec-fetch-site': 'cross-site' }
  const forged = await browser.send(url, { held_identity, consent: 'allow' }, elsewhere)
  t.equal(forged.statusCode, 403)
  const wider = requestUrl({ ...asking, scope: 'openid email odoo.read' })
  const moved = await browser.send(wider, { held_identity, consent: 'allow' })
  t.equal(moved.statusCode, 401, 'what was shown is what is allowed')

  const allowed = await browser.send(url, { held_identity, consent: 'allow' })
  const tokens = await redeem(app, allowed, 'asking-app')
  t.equal(accessClaims(tokens.access_token).scope, 'openid email')
  t.ok(answerOf(await browser.open(url)).get('code'), 'remembered')
  t.ok(answerOf(await browser.open(requestUrl({ ...asking, scope: 'openid' }))).get('code'))
  t.equal((await browser.open(wider)).statusCode, 200, 'more has to be asked for')
  t.equal((await browser.open(requestUrl({ ...asking, prompt: 'consent' }))).statusCode, 200)
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 601_000 })
  const late = await browser.send(url, { held_identity, consent: 'allow' })
  t.equal(late.statusCode, 401)
})

test('whoever says no leaves nothing behind at Odoo', async (t) => {
  const { app, odoo } = await startBridge(t)
  const browser = openBrowser(app)
  const url = requestUrl({ client_id: 'asking-app' })
  const ask = async () => fieldOf((await browser.send(url, DEMO)).body, 'held_identity')
  const held_identity = await ask()
  t.equal(odoo.sessions.size, 1, 'while they think about it')
  const denied = await browser.send(url, { held_identity, consent: 'deny' })
  t.equal(answerOf(denied).get('error'), 'access_denied')
  t.equal(odoo.sessions.size, 0)
  const allowed = await browser.send(url, { held_identity: await ask(), consent: 'allow' })
  t.ok(answerOf(allowed).get('code'))
  t.equal(odoo.sessions.size, 1, 'the app has it')

  // Neither does anybody who is let in nowhere else.
  const silent = requestUrl({ client_id: 'asking-app', scope: 'openid email', prompt: 'none' })
  t.equal(answerOf(await browser.send(silent, DEMO)).get('error'), 'consent_required')
  const expected = requestUrl({ id_token_hint: 'of nobody' })
  t.equal(answerOf(await browser.send(expected, DEMO)).get('error'), 'login_required')
  t.equal(odoo.sessions.size, 1)
})

test('whoever says no stays signed in to Odoo’s own pages, and to the browser', async (t) => {
  const { app, addon } = await startWithBrowser(t)
  const browser = openBrowser(app)
  browser.cookies['drawbridge_refresh'] = refreshTokenOf(await continueWithOdoo(app, addon))
  const url = requestUrl({ client_id: 'asking-app' })
  const held_identity = fieldOf((await browser.open(url)).body, 'held_identity')
  const denied = await browser.send(url, { held_identity, consent: 'deny' })
  t.equal(answerOf(denied).get('error'), 'access_denied')
  t.same(addon.signOuts, [])
  t.ok(answerOf(await browser.open(requestUrl())).get('code'))
})

test('a failure after the password leaves nothing behind at Odoo either', async (t) => {
  const { app, odoo, files } = await startBridge(t)
  const database = new DatabaseSync(files.sqlite)
  database.exec('ALTER TABLE consents RENAME TO lost')
  database.close()
  const answer = await openBrowser(app).send(requestUrl({ client_id: 'asking-app' }), DEMO)
  t.equal(answer.statusCode, 500)
  t.match(odoo.calls.at(-1)?.path, '/web/session/destroy')
  t.equal(odoo.sessions.size, 0)
})

test('the question says who would allow it, as far as anybody can tell', async (t) => {
  const { app, addon, browser } = await startWithBrowser(t)
  const url = requestUrl({ client_id: 'asking-app' })
  t.match((await browser.send(url, DEMO)).body, /You are signed in as demo\./, 'as it was typed')
  addon.userName = 'Marc <Demo>'
  t.match((await browser.open(url)).body, /signed in as Marc &lt;Demo&gt;\./, 'as Odoo has it')
  const german = await browser.open(requestUrl({ client_id: 'asking-app', ui_locales: 'de' }))
  t.match(german.body, /Sie sind angemeldet als Marc/)

  addon.failWith = 502
  const page = await browser.open(url)
  t.equal(page.statusCode, 200)
  t.match(page.body, /asks for access/)
  t.notMatch(page.body, /signed in as|undefined/)
  addon.failWith = undefined
  const held_identity = fieldOf(page.body, 'held_identity')
  const tokens = await redeem(
    app,
    await browser.send(url, { held_identity, consent: 'allow' }),
    'asking-app',
  )
  t.ok(tokens.access_token)
})
