/** Sessions of shared computers: they go with the browser, and nobody makes them longer. */
import type { LightMyRequestResponse } from 'fastify'
import { test, type Test } from 'tap'
import {
  CONTINUE_PATH,
  PATHS,
  type SessionsResponse,
  type SessionTokenResponse,
} from '../../src/contract/index.ts'
import { fieldOf, FORM, openBrowser, redeem, requestUrl, startWithBrowser } from '../app.ts'
import {
  accessClaims,
  accessTokenOf,
  COOKIE,
  cookieOf,
  errorOf,
  login,
  refresh,
  refreshClaims,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'

const HOUR = 3600
const SHARED = { login: 'demo', password: 'demo', persistent: false }

/** A cookie without these goes when the browser does. @see RFC 6265 §5.3 */
const goesWithTheBrowser = (t: Test, response: LightMyRequestResponse) => {
  const cookie = cookieOf(response)
  t.ok(cookie?.value)
  t.equal(cookie?.maxAge, undefined)
  t.equal(cookie?.expires, undefined)
}

const answerOf = (response: LightMyRequestResponse) => response.json<SessionTokenResponse>()

test('a session of a shared computer goes with the browser, and every answer says so', async (t) => {
  const { app } = await startBridge(t)
  const first = await login(app, SHARED)
  goesWithTheBrowser(t, first)
  t.match(answerOf(first), { persistent: false, refresh_expires_in: 12 * HOUR })
  t.match(
    refreshClaims(refreshTokenOf(first)).exp - accessClaims(accessTokenOf(first)).iat,
    12 * HOUR,
  )
  const next = await refresh(app, refreshTokenOf(first))
  goesWithTheBrowser(t, next)
  t.equal(answerOf(next).persistent, false)
  // A lost answer, repeated.
  const again = await refresh(app, refreshTokenOf(first))
  goesWithTheBrowser(t, again)
})

test('without the word it is as it always was', async (t) => {
  const { app } = await startBridge(t)
  for (const persistent of [{}, { persistent: true }]) {
    const first = await login(app, { login: 'demo', password: 'demo', ...persistent })
    t.equal(cookieOf(first)?.maxAge, 6 * 24 * HOUR)
    t.match(answerOf(first), { persistent: true, refresh_expires_in: 6 * 24 * HOUR })
    const next = await refresh(app, refreshTokenOf(first))
    t.ok(cookieOf(next)?.maxAge)
    t.equal(answerOf(next).persistent, true)
  }
})

test('used all the time, it is over after twelve hours', async (t) => {
  const { app } = await startBridge(t)
  const begun = Date.now()
  let now = begun
  t.intercept(Date, 'now', { value: () => now })
  let token = refreshTokenOf(await login(app, SHARED))
  for (let hour = 1; hour < 12; hour++) {
    now = begun + hour * HOUR * 1000
    const next = await refresh(app, token)
    t.equal(next.statusCode, 200)
    t.ok(answerOf(next).refresh_expires_in <= (12 - hour) * HOUR)
    token = refreshTokenOf(next)
  }
  now = begun + 12 * HOUR * 1000 + 1000
  t.equal((await refresh(app, token)).statusCode, 401)
})

test('a thief who has the cookie makes it no longer, by any spelling', async (t) => {
  const { app } = await startBridge(t)
  let token = refreshTokenOf(await login(app, SHARED))
  const ask = (url: string, payload: string) =>
    app.inject({
      method: 'POST',
      url,
      headers: { ...SAME_ORIGIN, 'content-type': 'application/json' },
      cookies: { [COOKIE]: token },
      payload,
    })
  for (const body of [
    '{"persistent":true}',
    '{"persistent":"true"}',
    '{"persistent":1}',
    '{"Persistent":true}',
    '{"refresh_expires_in":15552000}',
    '{"__proto__":{"persistent":true}}',
    '[]',
    'null',
  ]) {
    const refused = await ask(PATHS.refresh, body)
    t.equal(refused.statusCode, 400, body)
    t.equal(cookieOf(refused), undefined)
  }
  for (const query of ['?persistent=true', '?persistent=false&persistent=true']) {
    const next = await ask(PATHS.refresh + query, '{}')
    goesWithTheBrowser(t, next)
    t.equal(answerOf(next).persistent, false)
    t.ok(answerOf(next).refresh_expires_in <= 12 * HOUR)
    token = refreshTokenOf(next)
  }
})

test('what is neither true nor false is refused at sign-in, before Odoo is asked', async (t) => {
  const { app, odoo } = await startBridge(t)
  for (const persistent of ['false', 'true', 0, 1, null, '', [], {}, [false]]) {
    const refused = await login(app, { ...SHARED, persistent })
    t.equal(refused.statusCode, 400, JSON.stringify(persistent))
    t.equal(cookieOf(refused), undefined)
  }
  t.equal(odoo.calls.length, 0)
})

test('"my devices" tells which of them it is', async (t) => {
  const { app } = await startBridge(t)
  const shared = await login(app, SHARED)
  const own = await login(app)
  const listed = await app.inject({
    url: PATHS.sessions,
    headers: { authorization: `Bearer ${accessTokenOf(own)}` },
  })
  const { sessions } = listed.json<SessionsResponse>()
  const { sid } = accessClaims(accessTokenOf(shared))
  t.same(sessions.map((each) => [each.sid === sid, each.persistent]).sort(), [
    [false, true],
    [true, false],
  ])
})

test('an app that is let in at a shared computer is in no longer than its browser', async (t) => {
  const { app } = await startWithBrowser(t)
  const begun = Date.now()
  const browser = openBrowser(app)
  browser.cookies[COOKIE] = refreshTokenOf(await login(app, SHARED))
  let now = begun + 11 * HOUR * 1000
  t.intercept(Date, 'now', { value: () => now })
  const tokens = await redeem(app, await browser.open(requestUrl()))
  const carryOn = (refresh_token: string) =>
    browser.send(PATHS.token, {
      grant_type: 'refresh_token',
      client_id: 'other-app',
      refresh_token,
    })
  const next = await carryOn(tokens.refresh_token)
  t.equal(next.statusCode, 200)
  now = begun + 12 * HOUR * 1000 + 1000
  t.equal(errorOf(await carryOn(next.json<typeof tokens>().refresh_token)), 'invalid_grant')
})

test('signing in again at the form of an app keeps it what it was', async (t) => {
  const { app, browser, signIn } = await startWithBrowser(t)
  browser.cookies[COOKIE] = refreshTokenOf(await login(app, SHARED))
  const answer = await signIn({ prompt: 'login' })
  goesWithTheBrowser(t, answer)
  const plain = await openBrowser(app).send(requestUrl(), {
    login: 'demo',
    password: 'demo',
  })
  t.ok(cookieOf(plain)?.maxAge, 'where nobody said so, it is an own one')
})

/** What the form of an app sends with the box ticked. */
const TICKED = { login: 'demo', password: 'demo', shared: 'true' }

test('whoever ticks the box at the form of an app is signed in until the browser closes', async (t) => {
  const { app, browser } = await startWithBrowser(t)
  const begun = Date.now()
  const page = await browser.open(requestUrl())
  t.match(page.body, /<input\s+id="shared"\s+name="shared"\s+type="checkbox"/)
  t.notMatch(page.body, 'checked\n', 'nobody is taken to be at one')
  const answer = await browser.send(requestUrl(), TICKED)
  goesWithTheBrowser(t, answer)
  t.match(answerOf(await refresh(app, refreshTokenOf(answer))), { persistent: false })
  const { refresh_token } = await redeem(app, answer)
  t.intercept(Date, 'now', { value: () => begun + 12 * HOUR * 1000 + 1000 })
  const fields = { grant_type: 'refresh_token', client_id: 'other-app', refresh_token }
  t.equal(errorOf(await browser.send(PATHS.token, fields)), 'invalid_grant')
})

test('the box stays ticked until somebody is in', async (t) => {
  const { app } = await startBridge(t)
  const ticked = /type="checkbox"\s+value="true"\s+aria-describedby="shared-hint"\s+checked/
  const send = (fields: Record<string, string>) => openBrowser(app).send(requestUrl(), fields)
  t.match((await send({ ...TICKED, password: 'wrong' })).body, ticked)
  t.notMatch((await send({ login: 'demo', password: 'wrong' })).body, ticked)

  const second = { login: 'second', password: 'second' }
  const due = await send({ ...second, shared: 'true' })
  const shared = fieldOf(due.body, 'shared')
  t.equal(shared, 'true')
  const wrong = await send({
    login: 'second',
    shared,
    held_password: fieldOf(due.body, 'held_password'),
    totp: '000000',
  })
  t.equal(fieldOf(wrong.body, 'shared'), 'true')
  t.equal(fieldOf((await send(second)).body, 'shared'), '')
})

test('what the box cannot send is refused before Odoo is asked', async (t) => {
  const { app, odoo } = await startBridge(t)
  for (const shared of ['', 'false', 'on', 'TRUE', '1']) {
    const refused = await openBrowser(app).send(requestUrl(), { ...TICKED, shared })
    t.equal(refused.statusCode, 400, shared)
    t.equal(cookieOf(refused), undefined)
  }
  const doubled = await app.inject({
    method: 'POST',
    url: requestUrl(),
    headers: { ...SAME_ORIGIN, ...FORM },
    payload: 'login=demo&password=demo&shared=false&shared=true',
  })
  t.equal(doubled.statusCode, 400)
  t.equal(odoo.calls.length, 0)
})

test('an app has no longer a session where it shares none', async (t) => {
  const { app } = await startBridge(t)
  const begun = Date.now()
  const enter = async (fields: Record<string, string>) => {
    const browser = openBrowser(app)
    const request = requestUrl({ client_id: 'asking-app', prompt: 'consent' })
    const question = await browser.send(request, fields)
    const held_identity = fieldOf(question.body, 'held_identity')
    const answer = await browser.send(request, { held_identity, consent: 'allow' })
    return (await redeem(app, answer, 'asking-app')).refresh_token
  }
  const [shared, own] = [await enter(TICKED), await enter({ login: 'demo', password: 'demo' })]
  t.intercept(Date, 'now', { value: () => begun + 12 * HOUR * 1000 + 1000 })
  const carryOn = (refresh_token: string) =>
    openBrowser(app).send(PATHS.token, {
      grant_type: 'refresh_token',
      client_id: 'asking-app',
      refresh_token,
    })
  t.equal(errorOf(await carryOn(shared)), 'invalid_grant')
  t.equal((await carryOn(own)).statusCode, 200)
})

test('the box counts at the links to providers, without a script', async (t) => {
  const { browser } = await startWithBrowser(t)
  const { body } = await browser.open(requestUrl())
  const links = [...body.matchAll(/class="provider ([a-z-]+)" href="([^"]+)"/g)].map(
    ([, which, href]) => [which, href?.replaceAll('&amp;', '&')],
  )
  const [own, shared] = links
  t.equal(links.length, 2)
  t.match(own, ['own', /^\/auth\/continue\/odoo\?return_to=[^&]+$/])
  t.same(shared, ['at-shared', `${String(own?.[1])}&persistent=false`])
})

test('it goes along to a provider and back, sealed', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const headers = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'document' }
  const begin = (query: string) => app.inject({ url: `${CONTINUE_PATH}/odoo${query}`, headers })
  const comeBack = async (
    query: string,
    added: Record<string, string> = {},
    kept: Record<string, string> = {},
  ) => {
    const begun = await begin(query)
    const answer = addon.handOff(begun.headers.location ?? '')
    for (const [name, value] of Object.entries(added)) answer.append(name, value)
    return app.inject({
      url: `${CONTINUE_PATH}/odoo/callback?${answer.toString()}`,
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' },
      cookies: {
        ...kept,
        ...Object.fromEntries(begun.cookies.map(({ name, value }) => [name, value])),
      },
    })
  }
  const shared = await comeBack('?persistent=false')
  t.equal(shared.statusCode, 303)
  goesWithTheBrowser(t, shared)
  goesWithTheBrowser(t, await refresh(app, refreshTokenOf(shared)))
  const stretched = await comeBack('?persistent=false', { persistent: 'true' })
  goesWithTheBrowser(t, stretched)
  for (const query of ['', '?persistent=true', '?return_to=%2F']) {
    t.ok(cookieOf(await comeBack(query))?.maxAge, query)
    // A link in a letter comes from nowhere, and whoever is in Odoo already is asked nothing.
    const kept = { [COOKIE]: refreshTokenOf(await comeBack('?persistent=false')) }
    goesWithTheBrowser(t, await comeBack(query, {}, kept))
  }
  for (const query of [
    '?persistent=',
    '?persistent=no',
    '?persistent=FALSE',
    '?persistent=0',
    '?persistent=false&persistent=true',
    '?persistent=true&persistent=true',
  ]) {
    const refused = await begin(query)
    t.equal(refused.statusCode, 400, query)
    t.same(refused.cookies, [])
  }
})
