import { test } from 'tap'
import { gate } from '../support/bridge.ts'
import type { Bridge } from '../support/bridge.ts'
import { next, openBrowser, signedIn } from '../support/browser.ts'

const DATA = '/api/protected/data'
const REFRESH = '/auth/refresh'

test('a body that is a stream or a Request is sent again too', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.expireAccessTokens()
  const stream = new Blob(['streamed']).stream()
  const init = { method: 'POST', body: stream, duplex: 'half' }
  t.match(await (await tab.fetch('/api/stream', init)).json(), { body: 'streamed' })
  bridge.expireAccessTokens()
  const request = new Request(`${bridge.url}/api/request`, { method: 'POST', body: 'asked' })
  t.match(await (await tab.fetch(request)).json(), { body: 'asked' })
})

test('what is no request is refused as fetch refuses it, and nothing is sent', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const used = new Request(`${bridge.url}/api/x`, { method: 'POST', body: 'once' })
  await used.text()
  await t.rejects(tab.fetch(used), TypeError, 'a body that was read')
  await t.rejects(tab.fetch(DATA, { body: 'x' }), TypeError, 'a body with GET')
  const body = new Blob(['x']).stream()
  await t.rejects(tab.fetch(DATA, { method: 'POST', body }), TypeError, 'a stream without duplex')
  t.equal(bridge.seen.length, 1, 'the sign-in alone')
})

test('both attempts are sent as the caller said, and no answer is kept in a cache', async (t) => {
  const browser = await openBrowser(t)
  const sent: Request[] = []
  const tab = browser.tab({
    fetch: (input, init) => {
      const request = new Request(input, init)
      sent.push(request.clone())
      return browser.fetch(request, init)
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  browser.bridge.expireAccessTokens()
  sent.length = 0
  const headers = { 'X-One': '1' }
  await tab.fetch('/api/x', { method: 'DELETE', keepalive: true, headers })
  const calls = sent.filter(({ url }) => url.endsWith('/api/x'))
  t.match(calls, [
    { method: 'DELETE', keepalive: true, cache: 'no-store', redirect: 'error' },
    { method: 'DELETE', keepalive: true, cache: 'no-store', redirect: 'error' },
  ])
  t.strictSame(
    calls.map((request) => request.headers.get('X-One')),
    ['1', '1'],
  )
  await tab.fetch(DATA, { cache: 'no-cache', redirect: 'manual' })
  t.match(sent.at(-1), { cache: 'no-cache', redirect: 'manual' }, 'the caller may choose')
  await tab.fetch('/elsewhere')
  t.match(sent.at(-1), { cache: 'default', redirect: 'follow' }, 'elsewhere it is fetch as it is')
})

test('a caller’s own Authorization goes nowhere beside the session’s, nor in its place', async (t) => {
  const { bridge, tab } = await signedIn(t)
  const own = { Authorization: 'Bearer of-another' }
  await tab.fetch(DATA, { headers: own })
  await tab.fetch(new Request(bridge.url + DATA, { headers: own }), { headers: [] })
  await tab.fetch(DATA, { headers: [...Object.entries(own), ...Object.entries(own)] })
  bridge.expireAccessTokens()
  await tab.fetch(DATA, { headers: own })
  const sent = bridge.seen.filter(({ path }) => path === DATA)
  t.equal(sent.length, 5)
  for (const { authorization } of sent) t.match(authorization, /^Bearer [\w-]+(\.[\w-]+){2}$/)
})

test('given up before it begins: no refresh, no request', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock += 601_000
  const reason = new Error('not needed')
  await t.rejects(tab.fetch(DATA, { signal: AbortSignal.abort(reason) }), reason)
  // The refresh that was begun, if any, is that of this call.
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 1)
  t.equal(bridge.count(DATA), 1)
})

for (const [when, expire] of [
  ['before the call', (clock: { clock: number }) => void (clock.clock += 601_000)],
  [
    'after a 401',
    (_: unknown, bridge: Bridge) => {
      bridge.expireAccessTokens()
    },
  ],
] as const) {
  test(`given up while the token is renewed ${when}: at once, and the others get it`, async (t) => {
    const { browser, bridge, tab } = await signedIn(t)
    expire(browser, bridge)
    const held = bridge.holdRefresh()
    const leaving = new AbortController()
    const [left, stays] = [tab.fetch(DATA, { signal: leaving.signal }), tab.fetch(DATA)]
    await bridge.arrived(REFRESH)
    const reason = new Error('not needed')
    leaving.abort(reason)
    await t.rejects(left, reason)
    const before = bridge.count(DATA)
    held.open()
    t.equal((await stays).status, 200)
    t.equal(bridge.count(REFRESH), 1)
    t.equal(bridge.count(DATA), before + 1)
  })
}

test('given up between the attempts: no second one', async (t) => {
  const { bridge, tab } = await signedIn(t)
  bridge.expireAccessTokens()
  const leaving = new AbortController()
  const reason = new Error('not needed')
  tab.addEventListener('refreshed', () => {
    leaving.abort(reason)
  })
  await t.rejects(tab.fetch(DATA, { signal: leaving.signal }), reason)
  t.equal(bridge.count(DATA), 1)
  t.equal((await tab.fetch(DATA)).status, 200, 'the new token is there')
  t.equal(bridge.count(REFRESH), 1)
})

test('a 401 whose body never ends, or breaks off, is renewed all the same', async (t) => {
  const { browser } = await signedIn(t)
  for (const body of [
    new ReadableStream({ cancel: () => new Promise(() => undefined) }),
    new ReadableStream({
      start(controller) {
        controller.error(new TypeError('network error'))
      },
    }),
  ]) {
    let refused = false
    const tab = browser.tab({
      fetch: (input, init) => {
        const { url } = new Request(input, init)
        if (!url.endsWith(DATA) || refused) return browser.fetch(input, init)
        refused = true
        return Promise.resolve(new Response(body, { status: 401 }))
      },
    })
    await tab.restore()
    t.equal((await tab.fetch(DATA)).status, 200)
  }
})

test('a 401 that is not about the token is the caller’s, after one retry', async (t) => {
  const { browser } = await signedIn(t)
  let calls = 0
  const tab = browser.tab({
    fetch: (input, init) => {
      if (!new Request(input, init).url.endsWith('/api/own')) return browser.fetch(input, init)
      calls++
      const headers = { 'WWW-Authenticate': 'Basic realm="something else"' }
      return Promise.resolve(new Response('who?', { status: 401, headers }))
    },
  })
  await tab.restore()
  const response = await tab.fetch('/api/own')
  t.equal(response.status, 401)
  t.equal(await response.text(), 'who?')
  t.equal(calls, 2)
})

test('what one user asked for is not handed to the next', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  const other = browser.tab()
  for (const [leave, code] of [
    [() => other.logout(), 'signed_out'],
    [() => other.login({ login: 'bob', password: "bob's" }), 'user_changed'],
  ] as const) {
    const signedInHere = tab.user ? undefined : next(tab, 'signed-in')
    await other.login({ login: 'ann', password: "ann's" })
    await signedInHere
    const late = gate()
    bridge.holdCall = late.opened
    const before = bridge.count(DATA)
    const refused = t.rejects(tab.fetch(DATA), { code })
    await bridge.arrived(DATA, before + 1)
    const told = next(tab, code === 'signed_out' ? 'signed-out' : 'user-changed')
    await leave()
    await told
    late.open()
    await refused
  }
})

test('offline, unreachable, refused: three things', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.offline = true
  await t.rejects(tab.fetch(DATA), { code: 'unreachable', cause: TypeError })
  Object.defineProperty(navigator, 'onLine', { value: false, configurable: true })
  t.teardown(() => Reflect.deleteProperty(navigator, 'onLine'))
  await t.rejects(tab.fetch(DATA), { code: 'offline' }, 'with a token')
  browser.clock += 601_000
  await t.rejects(tab.fetch(DATA), { code: 'offline' }, 'without one')
  await t.rejects(tab.login({ login: 'ann', password: "ann's" }), { code: 'offline' })
  t.strictSame(tab.user, { sub: 'ann' }, 'nobody is signed out')
  browser.offline = false
  bridge.endSessions()
  await t.rejects(tab.fetch(DATA), { code: 'invalid_refresh_token', status: 401 })
  t.equal(tab.user, null)
})
