import { test } from 'tap'
import { gate } from '../support/bridge.ts'
import { next, openBrowser, record } from '../support/browser.ts'

const DATA = '/api/protected/data'
const REFRESH = '/auth/refresh'

test('ten tabs that wake up at once share one refresh', async (t) => {
  const browser = await openBrowser(t)
  const tabs = Array.from({ length: 10 }, () => browser.tab())
  await signInEverywhere(tabs)
  browser.clock += 601_000
  const responses = await Promise.all(tabs.map((tab) => tab.fetch(DATA)))
  t.ok(responses.every(({ status }) => status === 200))
  t.equal(browser.bridge.count(REFRESH), 1)
})

test('a new token reaches the other tabs before they need one', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab()]
  await signInEverywhere([one, two])
  const events = record(two)
  t.strictSame(two.user, { sub: 'ann' })
  t.equal((await two.fetch(DATA)).status, 200)
  t.strictSame(events, ['call', 'answer'])
  t.equal(browser.bridge.count(REFRESH), 0)
})

test('a tab that hangs with the lock costs the time limit, not the session', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab({ lockTimeout: 50 })
  await tab.login({ login: 'ann', password: "ann's" })
  const release = gate()
  const name = (await navigator.locks.query()).held
  t.strictSame(name, [], 'nothing is held between refreshes')
  const held = gate()
  void navigator.locks.request(`drawbridge/1 ${browser.bridge.url}`, () => {
    held.open()
    return release.opened
  })
  await held.opened
  browser.clock += 601_000
  t.equal((await tab.fetch(DATA)).status, 200)
  t.equal(browser.bridge.count(REFRESH), 1)
  release.open()
})

test('the lock is free again after a refresh that failed', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  await tab.login({ login: 'ann', password: "ann's" })
  browser.clock += 601_000
  browser.offline = true
  await t.rejects(tab.fetch(DATA), { code: 'unreachable' })
  t.strictSame((await navigator.locks.query()).held, [])
})

test('a listener may call back: no event is sent under the lock', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab({ lockTimeout: 60_000 })
  const free: boolean[] = []
  const checks: Promise<unknown>[] = []
  for (const name of ['login', 'signed-in', 'refreshed', 'signed-out', 'logout'] as const) {
    tab.addEventListener(name, () => {
      const lock = `drawbridge/1 ${browser.bridge.url}`
      checks.push(
        navigator.locks.request(lock, { ifAvailable: true }, (got) => {
          free.push(got !== null)
        }),
      )
    })
  }
  await tab.login({ login: 'ann', password: "ann's" })
  await Promise.all(checks)
  browser.clock += 601_000
  await tab.fetch(DATA)
  await Promise.all(checks)
  await tab.logout()
  await Promise.all(checks)
  t.strictSame(free, [true, true, true, true, true])
})

test('signing out in one tab signs out all', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab()]
  await signInEverywhere([one, two])
  const out = next(two, 'signed-out')
  await one.logout()
  t.match(await out, { detail: { reason: 'logout', by: 'tab' } })
  t.equal(two.user, null)
  await t.rejects(two.fetch(DATA), { code: 'signed_out' })
})

test('signing out while another tab refreshes: neither comes back', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab()]
  await signInEverywhere([one, two])
  const held = browser.bridge.holdRefresh()
  browser.clock += 601_000
  const refused = t.rejects(two.fetch(DATA), { code: 'signed_out' })
  await browser.bridge.arrived(REFRESH)
  const events = record(one)
  await one.logout()
  held.open()
  await refused
  t.equal(one.user, null)
  t.equal(two.user, null)
  t.strictSame(events, ['signed-out', 'logout'])
})

test('a token of a session that ended here is not taken from another tab', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  await tab.login({ login: 'ann', password: "ann's" })
  const channel = browser.channel(t)
  await tab.logout()
  const token = messageToken('ann', 'sid-1', 100)
  channel.postMessage({ type: 'token', token })
  channel.postMessage({ type: 'token', token: { ...token, sub: 'bob', sid: 'sid-9' } })
  await next(tab, 'signed-in')
  t.strictSame(tab.user, { sub: 'bob' }, 'only the token of the other session was')
})

test('a refused refresh signs out the tabs of that session, and no later one', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab()]
  await signInEverywhere([one, two])
  browser.bridge.endSessions()
  browser.clock += 601_000
  const out = next(two, 'signed-out')
  await t.rejects(one.fetch(DATA), { code: 'invalid_refresh_token' })
  t.match(await out, { detail: { reason: 'refused', by: 'tab' } })

  const channel = browser.channel(t)
  await signInEverywhere([one, two])
  channel.postMessage({ type: 'signed-out', reason: 'refused', sid: 'sid-1' })
  const token = messageToken('ann', 'sid-3', 100)
  const events = record(one)
  channel.postMessage({ type: 'token', token: { ...token, sub: 'eve', sid: 'sid-9' } })
  await next(one, 'user-changed')
  t.strictSame(events, ['user-changed'], 'the old refusal changed nothing')
})

test('another user signs in in another tab while this one refreshes', async (t) => {
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab({ lockTimeout: 20 }), browser.tab({ lockTimeout: 20 })]
  await signInEverywhere([one, two])
  const held = browser.bridge.holdRefresh()
  browser.clock += 601_000
  const refused = t.rejects(one.fetch('/api/delete', { method: 'POST' }), { code: 'user_changed' })
  await browser.bridge.arrived(REFRESH)
  const changed = next(one, 'user-changed')
  await two.login({ login: 'bob', password: "bob's" })
  await changed
  held.open()
  await refused
  t.strictSame(one.user, { sub: 'bob' })
  t.equal(browser.bridge.count('/api/delete'), 0)
})

test('an older token does not replace a newer one', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  await tab.login({ login: 'ann', password: "ann's" })
  const channel = browser.channel(t)
  const subs: string[] = []
  tab.addEventListener('user-changed', ({ detail }) => {
    subs.push(detail.sub)
  })
  channel.postMessage({ type: 'token', token: messageToken('old', 'sid-8', 0) })
  channel.postMessage({ type: 'token', token: messageToken('new', 'sid-9', 100) })
  await next(tab, 'user-changed')
  t.strictSame(subs, ['new'])
})

test('without Web Locks and BroadcastChannel each tab looks after itself', async (t) => {
  const kept = globalThis.BroadcastChannel
  Reflect.deleteProperty(globalThis, 'BroadcastChannel')
  t.teardown(() => {
    globalThis.BroadcastChannel = kept
  })
  const locks = Object.getOwnPropertyDescriptor(Navigator.prototype, 'locks')
  Reflect.deleteProperty(Navigator.prototype, 'locks')
  t.teardown(() => {
    if (locks) Object.defineProperty(Navigator.prototype, 'locks', locks)
  })
  const browser = await openBrowser(t)
  const [one, two] = [browser.tab(), browser.tab()]
  await one.login({ login: 'ann', password: "ann's" })
  t.equal(await two.restore(), true)
  browser.clock += 601_000
  await Promise.all([one.fetch(DATA), one.fetch(DATA), one.fetch(DATA)])
  t.equal(browser.bridge.count(REFRESH), 2, 'one for the restore, one for the three calls')
  t.equal((await two.fetch(DATA)).status, 200)
  t.equal(browser.bridge.count(REFRESH), 3)
})

/** What another tab would hand on. */
const messageToken = (sub: string, sid: string, iat: number) => ({
  value: 'x',
  sub,
  sid,
  iat,
  askedAt: Date.now(),
  lifetime: 600_000,
})

type Tab = Awaited<ReturnType<typeof openBrowser>>['tab']

/** Signs in in the first; the others hear of it. */
async function signInEverywhere(tabs: ReturnType<Tab>[]): Promise<void> {
  const [first, ...rest] = tabs
  const heard = rest.map((tab) => next(tab, 'signed-in'))
  await first?.login({ login: 'ann', password: "ann's" })
  await Promise.all(heard)
}
