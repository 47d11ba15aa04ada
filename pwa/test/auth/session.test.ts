import { test } from 'tap'
import { gate } from '../support/bridge.ts'
import { openBrowser, record, signedIn } from '../support/browser.ts'

const DATA = '/api/protected/data'
const REFRESH = '/auth/refresh'

test('A3-A5: signs in, and calls with the token in the Authorization header', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const response = await tab.fetch(DATA)
  t.equal(response.status, 200)
  t.match(bridge.seen.at(-1), { path: DATA, authorization: /^Bearer .+\..+\./ })
  t.strictSame(tab.user, { sub: 'ann' })
})

test('a wrong password is the bridge’s own code, and no session', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  const events = record(tab)
  await t.rejects(tab.login({ login: 'ann', password: 'wrong' }), {
    code: 'invalid_credentials',
    status: 401,
  })
  t.equal(tab.user, null)
  t.strictSame(events, ['login'])
})

test('A8-A11: a refused answer that is not let go of holds up nothing', async (t) => {
  const browser = await openBrowser(t)
  const never = () => new Promise<void>(() => undefined)
  const tab = browser.tab({
    fetch: async (input, init) => {
      const response = await browser.fetch(input, init)
      return response.status === 401
        ? new Response(new ReadableStream({ cancel: never }), response)
        : response
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  browser.bridge.expireAccessTokens()
  t.equal((await tab.fetch(DATA)).status, 200)
})

test('A8-A11: a 401 costs one refresh and one retry, body included', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const events = record(tab)
  bridge.expireAccessTokens()
  const response = await tab.fetch('/api/save', { method: 'PUT', body: 'what I wrote' })
  t.strictSame(await response.json(), { path: '/api/save', body: 'what I wrote' })
  const saves = bridge.seen.filter(({ path }) => path === '/api/save')
  t.equal(saves.length, 2)
  t.not(saves[0]?.authorization, saves[1]?.authorization)
  t.equal(bridge.count(REFRESH), 1)
  t.strictSame(events, ['call', 'answer', 'refresh', 'refreshed', 'retry', 'answer'])
})

test('a second 401 is the caller’s: never two retries', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.expireAccessTokens()
  tab.addEventListener('retry', () => {
    bridge.expireAccessTokens()
  })
  const response = await tab.fetch(DATA)
  t.equal(response.status, 401)
  t.equal(bridge.count(DATA), 2)
  t.equal(bridge.count(REFRESH), 1)
})

test('ten calls at once share one refresh', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.expireAccessTokens()
  const responses = await Promise.all(Array.from({ length: 10 }, () => tab.fetch(DATA)))
  t.ok(responses.every(({ status }) => status === 200))
  t.equal(bridge.count(REFRESH), 1)
})

test('a 401 that comes after the refresh is over does not cause another', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.expireAccessTokens()
  const late = gate()
  bridge.holdCall = late.opened
  const slow = tab.fetch(DATA)
  await bridge.arrived(DATA)
  bridge.holdCall = null
  await tab.fetch(DATA)
  const events = record(tab)
  late.open()
  t.equal((await slow).status, 200)
  t.equal(bridge.count(REFRESH), 1)
  t.strictSame(events, ['answer', 'retry', 'answer'])
})

test('A12: a refused refresh ends the session', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const events = record(tab)
  bridge.expireAccessTokens()
  bridge.endSessions()
  await t.rejects(tab.fetch(DATA), { code: 'invalid_refresh_token' })
  t.equal(tab.user, null)
  t.strictSame(events, ['call', 'answer', 'refresh', 'refreshed', 'signed-out'])
  await t.rejects(tab.fetch(DATA), { code: 'signed_out' })
  t.equal(bridge.count(REFRESH), 1, 'the cookie is not tried again')
})

test('no network, or a bridge that cannot: not a sign-out, and it may be tried again', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  const events = record(tab)
  browser.clock += 601_000
  browser.offline = true
  await t.rejects(tab.fetch(DATA), { code: 'unreachable' })
  browser.offline = false
  bridge.refreshFails = { status: 503, error: 'odoo_unavailable' }
  await t.rejects(tab.fetch(DATA), { code: 'odoo_unavailable', status: 503 })
  t.strictSame(tab.user, { sub: 'ann' })
  t.notOk(events.includes('signed-out'))
  bridge.refreshFails = null
  t.equal((await tab.fetch(DATA)).status, 200)
})

test('a bridge that never answers is unreachable after the time limit', async (t) => {
  const { browser, bridge, tab } = await signedIn(t, { requestTimeout: 100 })
  bridge.holdRefresh()
  browser.clock += 601_000
  await t.rejects(tab.fetch(DATA), { code: 'unreachable' })
  t.strictSame(tab.user, { sub: 'ann' })
})

test('an answer that is no token is an error, not a session', async (t) => {
  const browser = await openBrowser(t)
  for (const body of [
    '<html>',
    '{}',
    '{"access_token":"x.y.z","expires_in":1}',
    '{"access_token":"x.e30.z","expires_in":1}',
    'null',
  ]) {
    const tab = browser.tab({ fetch: () => Promise.resolve(new Response(body)) })
    await t.rejects(tab.restore(), { code: 'bad_response' }, body)
    t.equal(tab.user, null)
  }
})

test('restore finds the session in the cookie', async (t) => {
  const { browser } = await signedIn(t)
  const reloaded = browser.tab()
  const events = record(reloaded)
  t.equal(await reloaded.restore(), true)
  t.strictSame(reloaded.user, { sub: 'ann' })
  t.strictSame(events, ['refresh', 'refreshed', 'signed-in'])
})

test('restore without a session says so; without a bridge it does not know', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  browser.offline = true
  await t.rejects(tab.restore(), { code: 'unreachable' })
  browser.offline = false
  t.equal(await tab.restore(), false)
  t.equal(browser.bridge.count(REFRESH), 1)
})

test('the token goes to no other origin, path or redirect', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const other = (await openBrowser(t)).bridge
  await tab.fetch(`${other.url}/api/protected/data`)
  t.equal(other.seen.at(-1)?.authorization, undefined)
  t.equal(other.count(DATA), 1, 'and its 401 is its own affair')
  await tab.fetch('/elsewhere')
  t.equal(bridge.seen.at(-1)?.authorization, undefined)
  await t.rejects(tab.fetch('/api/moved'), { code: 'unreachable', cause: TypeError })
  t.equal(bridge.count(DATA), 0)
  t.equal(bridge.count(REFRESH), 0)
})

test('logout drops the token at once and tells the bridge', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const events = record(tab)
  const done = tab.logout()
  t.equal(tab.user, null)
  await done
  t.equal(bridge.count('/auth/logout'), 1)
  t.strictSame(events, ['signed-out', 'logout'])
  await t.rejects(tab.fetch(DATA), { code: 'signed_out' })
})

test('logout that does not reach the bridge is an error, and can be tried again', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.logoutFails = { status: 503, error: 'keys_unavailable' }
  await t.rejects(tab.logout(), { code: 'keys_unavailable' })
  await t.rejects(tab.fetch(DATA), { code: 'signed_out' })
  t.equal(await tab.restore(), false, 'and does not bring the session back by itself')
  t.equal(bridge.count(REFRESH), 0)
  bridge.logoutFails = null
  await tab.logout()
  t.equal(bridge.count('/auth/logout'), 2)
})

test('logout while a refresh is under way: the late answer brings nothing back', async (t) => {
  const { browser, bridge, tab } = await signedIn(t, {
    lockTimeout: 60_000,
    requestTimeout: 60_000,
  })
  const held = bridge.holdRefresh()
  browser.clock += 601_000
  const call = tab.fetch(DATA)
  const events = record(tab)
  await bridge.arrived(REFRESH)
  const refused = t.rejects(call, { code: 'signed_out' })
  await tab.logout()
  await refused
  held.open()
  t.equal(tab.user, null)
  t.notOk(events.includes('signed-in'))
  t.equal(bridge.count(DATA), 0)
})

test('the same with an answer that cannot be cancelled any more', async (t) => {
  const { browser, bridge } = await signedIn(t)
  const arrived = gate()
  // A fetch that does not listen to its signal: the answer was already on its way up.
  const tab = browser.tab({
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers)
      headers.set('Cookie', browser.cookie)
      const response = await fetch(input, { ...init, headers, signal: null })
      if (new URL(response.url).pathname === REFRESH) await arrived.opened
      return response
    },
  })
  const restored = tab.restore()
  await bridge.arrived(REFRESH)
  const out = tab.logout()
  arrived.open()
  t.equal(await restored, false)
  await out
  t.equal(tab.user, null)
})

test('a refresh that is answered for another user: the request is not repeated', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  // Another tab's message that never arrives: only the cookie is another one now.
  const body = JSON.stringify({ login: 'bob', password: "bob's" })
  const answer = await fetch(`${bridge.url}/auth/login`, { method: 'POST', body })
  browser.cookie = answer.headers.getSetCookie()[0] ?? ''
  bridge.expireAccessTokens()
  const events = record(tab)
  await t.rejects(tab.fetch('/api/delete', { method: 'POST' }), { code: 'user_changed' })
  t.equal(bridge.count('/api/delete'), 1)
  t.ok(events.includes('user-changed'))
  t.strictSame(tab.user, { sub: 'bob' })
})

test('a second factor: the code goes with the password, once it is asked for', async (t) => {
  const browser = await openBrowser(t)
  const { bridge } = browser
  bridge.codes.set('ann', '123456')
  const tab = browser.tab()
  await t.rejects(tab.login({ login: 'ann', password: "ann's" }), {
    code: 'mfa_required',
    status: 401,
  })
  await t.rejects(tab.login({ login: 'ann', password: "ann's", totp: '000000' }), {
    code: 'invalid_totp',
    status: 401,
  })
  t.equal(tab.user, null)
  await tab.login({ login: 'ann', password: "ann's", totp: '123456' })
  t.strictSame(tab.user, { sub: 'ann' })
  const [first, , last] = bridge.seen.map(({ body }) => JSON.parse(body) as object)
  t.strictSame(first, { login: 'ann', password: "ann's" })
  t.strictSame(last, { login: 'ann', password: "ann's", totp: '123456' })
})
