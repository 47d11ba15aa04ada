import { test } from 'tap'
import type { Test } from 'tap'
import { next, openBrowser, pageClock, record, signedIn } from '../support/browser.ts'

const DATA = '/api/protected/data'
const REFRESH = '/auth/refresh'
const HOUR = 3_600_000

test('expiry: used while it lasts, renewed ahead of the call after that', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock += 599_000
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 0)
  browser.clock += 1_000
  const events = record(tab)
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 1)
  t.equal(bridge.count(DATA), 2, 'no call was wasted on the old token')
  t.strictSame(events, ['refresh', 'refreshed', 'call', 'answer'])
})

test('without refreshAhead the gate is left to find out', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  tab.refreshAhead = false
  browser.clock += 601_000
  bridge.expireAccessTokens()
  t.equal((await tab.fetch(DATA)).status, 200)
  t.equal(bridge.count(DATA), 2)
})

for (const [wrong, by] of [
  ['an hour behind', -HOUR],
  ['an hour ahead', HOUR],
] as const) {
  test(`a clock that is ${wrong} from the start does no harm`, async (t) => {
    const { browser, bridge, tab } = await signedIn(t, {}, Date.now() + by)
    browser.clock += 599_000
    await tab.fetch(DATA)
    t.equal(bridge.count(REFRESH), 0)
    t.equal(tab.expiresAt && Math.round((tab.expiresAt - browser.clock) / 1000), 1)
    browser.clock += 1_000
    await tab.fetch(DATA)
    t.equal(bridge.count(REFRESH), 1)
  })
}

test('a clock set forward by an hour costs one refresh', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock += HOUR
  await tab.fetch(DATA)
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 1)
  t.equal(bridge.count(DATA), 2)
})

test('a clock set back by an hour does not make the token last', async (t) => {
  const pass = pageClock(t)
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock -= HOUR
  pass(599_000)
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 0)
  pass(1_000)
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 1)
  t.equal(bridge.count(DATA), 2, 'no call was wasted on the old token')
})

test('a token that was long under way has lived a part of its time', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock += 600_000
  const held = bridge.holdRefresh()
  const call = tab.fetch(DATA)
  await bridge.arrived(REFRESH)
  browser.clock += 300_000
  held.open()
  await call
  browser.clock += 300_000
  await tab.fetch(DATA)
  t.equal(bridge.count(REFRESH), 2)
})

test('a token that takes longer than it lives is used all the same: the gate decides', async (t) => {
  const { browser, bridge, tab } = await signedIn(t)
  browser.clock += 600_000
  const held = bridge.holdRefresh()
  const call = tab.fetch(DATA)
  await bridge.arrived(REFRESH)
  browser.clock += 700_000
  held.open()
  t.equal((await call).status, 200)
  t.equal(bridge.count(REFRESH), 1)
})

test('clocks that were set between two tabs: the newer token is the one made later', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab({ now: () => browser.clock - HOUR })]
  const heard = next(two, 'signed-in')
  await one.login({ login: 'ann', password: "ann's" })
  await heard
  const changed = next(one, 'user-changed')
  await two.login({ login: 'bob', password: "bob's" })
  await changed
  t.strictSame(one.user, { sub: 'bob' })
  browser.bridge.seen.length = 0
  t.equal((await one.fetch(DATA)).status, 200)
  t.ok(browser.bridge.count(REFRESH) <= 1)
})

test('a tab that was told of a token while it slept sees how old that is', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  await tab.login({ login: 'ann', password: "ann's" })
  const channel = browser.channel(t)
  const changed = next(tab, 'user-changed')
  const token = { value: 'x', sub: 'bob', sid: 'sid-9', iat: 100, lifetime: 600_000 }
  channel.postMessage({ type: 'token', token: { ...token, askedAt: browser.clock - 600_000 } })
  await changed
  t.ok(tab.expiresAt !== null && tab.expiresAt <= browser.clock)
})

test('waking up with an expired token renews it: to be seen, or with a network again', async (t) => {
  const page = openPage(t)
  const { browser, bridge, tab } = await signedIn(t)
  const events = record(tab)
  page.document.dispatchEvent(new Event('visibilitychange'))
  page.window.dispatchEvent(new Event('online'))
  t.strictSame(events, [])
  for (const wake of [
    () => page.document.dispatchEvent(new Event('visibilitychange')),
    () => page.window.dispatchEvent(new Event('online')),
  ]) {
    browser.clock += 601_000
    const renewed = next(tab, 'refreshed')
    wake()
    await renewed
    await tab.fetch(bridge.url + DATA)
  }
  t.equal(bridge.count(REFRESH), 2)
  page.document.visibilityState = 'hidden'
  browser.clock += 601_000
  page.document.dispatchEvent(new Event('visibilitychange'))
  t.equal(bridge.count(REFRESH), 2, 'nobody looks at it')
})

test('a page that the back button brings back asks who is signed in now', async (t) => {
  const page = openPage(t)
  const { browser, tab } = await signedIn(t)
  // A page that is kept for the back button hears no message: only the cookie is another one now.
  const body = JSON.stringify({ login: 'bob', password: "bob's" })
  const answer = await fetch(`${browser.bridge.url}/auth/login`, { method: 'POST', body })
  browser.cookie = answer.headers.getSetCookie()[0] ?? ''
  const events = record(tab)
  page.window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }))
  t.strictSame(events, [])
  const changed = next(tab, 'user-changed')
  page.window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
  t.match(await changed, { detail: { sub: 'bob' } })
  tab.close()
  page.window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
  t.strictSame(events, ['refresh', 'refreshed', 'user-changed'], 'closed, it listens no more')
})

/** What a session sees of its page. */
function openPage(t: Test) {
  const document = Object.assign(new EventTarget(), {
    visibilityState: 'visible',
    baseURI: 'http://localhost/',
  })
  const page = { document, window: new EventTarget() }
  Object.assign(globalThis, page)
  t.teardown(() => {
    for (const name of Object.keys(page)) Reflect.deleteProperty(globalThis, name)
  })
  return page
}
