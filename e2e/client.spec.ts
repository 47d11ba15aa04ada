import pg from 'pg'
import { expect, test, type BrowserContext, type Page, type Request } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import {
  call,
  eventsOf,
  leaveExpiryToTheGateIn,
  login,
  logout,
  openTab,
  restore,
  serveClient,
  untilTabSeesExpiry,
  userOf,
} from './support/client-tabs.ts'
import { REFRESH_COOKIE, refreshCookie } from './support/pwa.ts'
import { payloadOf, postAuth, untilExpired } from './support/tokens.ts'

// The client of pwa/src/auth on its own, in real tabs, on the real stack.

const stack = readStack()
const { demo, admin } = stack.accounts
const REFRESH_URL = stack.issuer + PATHS.refresh
const DATA_URL = stack.issuer + PATHS.protectedData

test.beforeEach(async ({ context }) => {
  await serveClient(context)
})

/** What all tabs together send, preflights apart. */
function sentBy(context: BrowserContext): (path: string) => Request[] {
  const requests: Request[] = []
  context.on('request', (request) => requests.push(request))
  return (path) => requests.filter((request) => new URL(request.url()).pathname === path)
}

const bearerOf = (request: Request | undefined): string =>
  request?.headers()['authorization']?.replace('Bearer ', '') ?? ''

/** Tabs in which demo is signed in: in the first by the password, in the others by its message. */
async function signedInTabs(
  context: BrowserContext,
  count: number,
  options: object = {},
): Promise<[Page, ...Page[]]> {
  const first = await openTab(context, options)
  const others: Page[] = []
  for (let made = 1; made < count; made++) others.push(await openTab(context, options))
  expect(await login(first, demo)).toBe('ok')
  const tabs: [Page, ...Page[]] = [first, ...others]
  for (const tab of tabs) await expect.poll(() => userOf(tab)).not.toBe(null)
  return tabs
}

test('ten tabs whose token expires at once: one refresh, and signing out in one is out in all', async ({
  context,
}) => {
  const sent = sentBy(context)
  const tabs = await signedInTabs(context, 10)
  for (const tab of tabs) await untilTabSeesExpiry(tab)

  const answers = await Promise.all(tabs.map((tab) => call(tab)))
  expect(answers).toEqual(tabs.map(() => 200))
  expect(sent(PATHS.refresh)).toHaveLength(1)
  expect(new Set(sent(PATHS.protectedData).map(bearerOf)).size).toBe(1)

  expect(await logout(tabs[3] ?? tabs[0])).toBe('ok')
  for (const tab of tabs) {
    await expect.poll(() => userOf(tab)).toBe(null)
    expect(await call(tab)).toBe('signed_out')
    expect(await eventsOf(tab)).toContain('signed-out')
  }
  expect(await refreshCookie(tabs[0])).toBe('')
})

test('ten tabs that are refused at once: one refresh, too', async ({ context }) => {
  const sent = sentBy(context)
  const tabs = await signedInTabs(context, 10)
  for (const tab of tabs) await leaveExpiryToTheGateIn(tab)
  expect(await call(tabs[0])).toBe(200)
  await untilExpired(DATA_URL, bearerOf(sent(PATHS.protectedData)[0]))
  const answers = await Promise.all(tabs.map((tab) => call(tab)))
  expect(answers).toEqual(tabs.map(() => 200))
  expect(sent(PATHS.refresh)).toHaveLength(1)
})

test('a laptop sleeps: its pages stand still, the clock does not', async ({ context }) => {
  const sent = sentBy(context)
  const tabs = await signedInTabs(context, 3)
  const sleepers = await Promise.all(tabs.map((tab) => context.newCDPSession(tab)))
  const freeze = async (state: 'frozen' | 'active') => {
    for (const sleeper of sleepers) await sleeper.send('Page.setWebLifecycleState', { state })
  }
  expect(await call(tabs[0])).toBe(200)
  for (const tab of tabs) {
    await tab.evaluate(() => Object.assign(globalThis, { asleepAt: performance.now() }))
  }
  await freeze('frozen')
  await untilExpired(DATA_URL, bearerOf(sent(PATHS.protectedData)[0]))
  for (const tab of tabs) {
    // Eight hours on the machine's clock; in most browsers the page's own stands still meanwhile.
    await tab.evaluate(() => {
      const [now, pageNow] = [Date.now.bind(Date), performance.now.bind(performance)]
      const slept = pageNow() - (globalThis as unknown as { asleepAt: number }).asleepAt
      Date.now = () => now() + 8 * 3_600_000
      performance.now = () => pageNow() - slept
    })
  }
  await freeze('active')
  const answers = await Promise.all(tabs.map((tab) => call(tab)))
  expect(answers).toEqual([200, 200, 200])
  expect(sent(PATHS.refresh)).toHaveLength(1)
  expect(sent(PATHS.protectedData), 'none was wasted on the old token').toHaveLength(4)
})

for (const [what, by] of [
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
] as const) {
  test(`a clock that is ${what}, and is then set right`, async ({ context }) => {
    const sent = sentBy(context)
    await context.addInitScript((wrong) => {
      const now = Date.now.bind(Date)
      Object.assign(globalThis, { wrong })
      Date.now = () => now() + (globalThis as unknown as { wrong: number }).wrong
    }, by)
    const [tab, other] = await signedInTabs(context, 2)
    expect(await call(tab)).toBe(200)
    expect(sent(PATHS.refresh), 'it is not taken for expired').toHaveLength(0)
    await untilTabSeesExpiry(tab)
    expect(await call(tab)).toBe(200)
    expect(sent(PATHS.refresh)).toHaveLength(1)
    for (const each of context.pages()) {
      await each.evaluate(() => Object.assign(globalThis, { wrong: 0 }))
    }
    expect(await call(tab)).toBe(200)
    expect(await call(other ?? tab)).toBe(200)
    const extra = by > 0 ? 1 : 2
    expect(sent(PATHS.refresh).length).toBeLessThanOrEqual(extra)
    expect(sent(PATHS.protectedData)).toHaveLength(4)
  })
}

/** The next refresh reaches the bridge, which acts on it; its answer gets lost on the way back. */
async function loseNextRefresh(tab: Page): Promise<void> {
  const cookie = `${REFRESH_COOKIE}=${await refreshCookie(tab)}`
  await tab.route(
    REFRESH_URL,
    async (route) => {
      expect((await postAuth(PATHS.refresh, {}, cookie)).status).toBe(200)
      await route.abort('connectionreset')
    },
    { times: 1 },
  )
}

test('the answer to a refresh is lost: it is asked for again, and nobody is signed out', async ({
  context,
}) => {
  const [tab] = await signedInTabs(context, 1)
  await untilTabSeesExpiry(tab)
  await loseNextRefresh(tab)
  expect(await call(tab)).toBe('unreachable')
  expect(await call(tab)).toBe(200)

  await test.step('also when the next try comes later than the grace period', async () => {
    await untilTabSeesExpiry(tab)
    await loseNextRefresh(tab)
    expect(await call(tab)).toBe('unreachable')
    const { sid } = payloadOf(await refreshCookie(tab))
    const database = new pg.Client(stack.inside.bridgeDatabaseUrl)
    await database.connect()
    const { rowCount } = await database.query(
      'UPDATE sessions SET rotated_at = rotated_at - 3600000 WHERE sid = $1',
      [sid],
    )
    await database.end()
    expect(rowCount).toBe(1)
    expect(await call(tab)).toBe(200)
  })
  expect(await eventsOf(tab)).not.toContain('signed-out')
})

test('3G: several calls at once in several tabs share one slow refresh', async ({ context }) => {
  const sent = sentBy(context)
  const tabs = await signedInTabs(context, 3)
  for (const tab of tabs) await untilTabSeesExpiry(tab)
  for (const tab of tabs) {
    const network = await context.newCDPSession(tab)
    await network.send('Network.enable')
    await network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 300,
      downloadThroughput: 50_000,
      uploadThroughput: 20_000,
    })
  }
  const begun = Date.now()
  const answers = await Promise.all(tabs.flatMap((tab) => [call(tab), call(tab), call(tab)]))
  expect(answers).toEqual(Array(9).fill(200))
  expect(sent(PATHS.refresh)).toHaveLength(1)
  expect(Date.now() - begun, 'it was slow').toBeGreaterThan(600)
})

test('a bridge that is slow, fails, hangs up or is out of reach signs nobody out', async ({
  context,
}) => {
  const [tab, other] = await signedInTabs(context, 2, { requestTimeout: 2000 })
  const user = await userOf(tab)
  for (const each of [tab, other ?? tab]) await untilTabSeesExpiry(each)

  const bridge = stack.parts.find(({ name }) => name === 'bridge')
  if (!bridge) throw new Error('The stack has no bridge.')
  process.kill(bridge.pid, 'SIGSTOP')
  try {
    expect(await call(tab), 'slow').toBe('unreachable')
  } finally {
    process.kill(bridge.pid, 'SIGCONT')
  }
  await expect.poll(() => call(tab), 'well again').toBe(200)

  for (const each of [tab, other ?? tab]) await untilTabSeesExpiry(each)
  const json = { error: 'keys_unavailable', error_description: '' }
  await context.route(REFRESH_URL, (route) => route.fulfill({ status: 503, json }))
  expect(await call(tab), 'fails').toBe('keys_unavailable')
  await context.unroute(REFRESH_URL)
  await context.route(REFRESH_URL, (route) => route.fulfill({ status: 502, body: '<html>' }))
  expect(await call(tab), 'nginx finds none').toBe('unreachable')
  await context.unroute(REFRESH_URL)
  await context.route(REFRESH_URL, (route) => route.abort('connectionclosed'))
  expect(await call(tab), 'hangs up').toBe('unreachable')
  await context.unroute(REFRESH_URL)
  await context.setOffline(true)
  expect(await call(tab), 'no network').toBe('offline')
  await context.setOffline(false)

  expect(await call(tab)).toBe(200)
  expect(await call(other ?? tab)).toBe(200)
  for (const each of [tab, other ?? tab]) {
    expect(await userOf(each)).toBe(user)
    expect(await eventsOf(each)).not.toContain('signed-out')
  }
})

test('a network that comes back renews the token before anybody asks', async ({ context }) => {
  const sent = sentBy(context)
  const [tab] = await signedInTabs(context, 1)
  await context.setOffline(true)
  await untilTabSeesExpiry(tab)
  const renewed = tab.waitForResponse(REFRESH_URL)
  await context.setOffline(false)
  expect((await renewed).status()).toBe(200)
  expect(await call(tab)).toBe(200)
  expect(sent(PATHS.refresh)).toHaveLength(1)
})

test('two users in turn: nothing of the first is done in the name of the second', async ({
  context,
}) => {
  const sent = sentBy(context)
  // This tab hears nothing of the others: what it learns, it learns from the bridge.
  const deaf = await openTab(context)
  await deaf.evaluate(() => {
    ;(globalThis as unknown as { session: { close(): void } }).session.close()
  })
  await deaf.addInitScript(() => Reflect.deleteProperty(globalThis, 'BroadcastChannel'))
  await deaf.reload()
  const [tab, third] = await signedInTabs(context, 2)
  expect(await restore(deaf)).toBe(true)
  const first = await userOf(deaf)
  await leaveExpiryToTheGateIn(deaf)

  expect(await login(tab, admin)).toBe('ok')
  const second = await userOf(tab)
  expect(second).not.toBe(first)
  await expect.poll(() => userOf(third ?? tab)).toBe(second)
  expect(await eventsOf(third ?? tab)).toContain('user-changed')

  // The gate hears within a second that the session of the first is over.
  const before = sent('/api/nothing').length
  await expect
    .poll(() => call(deaf, '/api/nothing', { method: 'POST', body: 'mine' }))
    .toBe('user_changed')
  const own = sent('/api/nothing').slice(before)
  expect(own.map((request) => payloadOf(bearerOf(request))['sub'])).toEqual(own.map(() => first))
  expect(await userOf(deaf)).toBe(second)
  expect(await eventsOf(deaf)).toContain('user-changed')
})

test('two users at once, in two tabs: one of them it is, in both and in the cookie', async ({
  context,
}) => {
  const sent = sentBy(context)
  const [tab, other] = [await openTab(context), await openTab(context)]
  expect(await Promise.all([login(tab, demo), login(other, admin)])).toEqual(['ok', 'ok'])
  const fresh = await openTab(context)
  expect(await restore(fresh)).toBe(true)
  const user = await userOf(fresh)
  for (const each of [tab, other]) await expect.poll(() => userOf(each)).toBe(user)
  const begun = sent(PATHS.protectedData).length
  expect(await Promise.all([tab, other, fresh].map((each) => call(each)))).toEqual([200, 200, 200])
  const subs = sent(PATHS.protectedData)
    .slice(begun)
    .map((request) => payloadOf(bearerOf(request))['sub'])
  expect(subs).toEqual([user, user, user])
})

test('a tab that hangs with the lock in its hand costs its time limit, and one refresh', async ({
  context,
}) => {
  const sent = sentBy(context)
  const tabs = await signedInTabs(context, 5, { lockTimeout: 500 })
  const hung = await openTab(context)
  await hung.evaluate(
    (name) =>
      new Promise<void>((held) => {
        void navigator.locks.request(name, () => {
          held()
          return new Promise(() => undefined)
        })
      }),
    `drawbridge/1 ${stack.issuer}`,
  )
  for (const tab of tabs) await untilTabSeesExpiry(tab)
  const answers = await Promise.all(tabs.map((tab) => call(tab)))
  expect(answers).toEqual(tabs.map(() => 200))
  expect(sent(PATHS.refresh)).toHaveLength(1)
})

test('without Web Locks and BroadcastChannel every tab looks after itself', async ({ context }) => {
  await context.addInitScript(() => {
    Reflect.deleteProperty(Navigator.prototype, 'locks')
    Reflect.deleteProperty(globalThis, 'BroadcastChannel')
  })
  const sent = sentBy(context)
  const first = await openTab(context)
  expect(await first.evaluate(() => 'locks' in navigator || 'BroadcastChannel' in globalThis)).toBe(
    false,
  )
  expect(await login(first, demo)).toBe('ok')
  const tabs = [first]
  for (let made = 1; made < 5; made++) {
    const tab = await openTab(context)
    expect(await restore(tab)).toBe(true)
    tabs.push(tab)
  }
  for (const tab of tabs) await untilTabSeesExpiry(tab)
  const before = sent(PATHS.refresh).length
  const answers = await Promise.all(tabs.flatMap((tab) => [call(tab), call(tab)]))
  expect(answers).toEqual(Array(10).fill(200))
  expect(sent(PATHS.refresh).length - before, 'one for each').toBe(5)
  for (const tab of tabs) expect(await eventsOf(tab)).not.toContain('signed-out')
})

test('what was sent is sent again after a 401, whatever it was', async ({ context }) => {
  const sent = sentBy(context)
  const [tab] = await signedInTabs(context, 1)
  await leaveExpiryToTheGateIn(tab)
  expect(await call(tab)).toBe(200)
  await untilExpired(DATA_URL, bearerOf(sent(PATHS.protectedData)[0]))
  const statuses = await tab.evaluate(async () => {
    const { session } = globalThis as unknown as { session: { fetch: typeof globalThis.fetch } }
    const form = new FormData()
    form.set('said', 'what I wrote')
    const send = (path: string, body: BodyInit) => session.fetch(path, { method: 'POST', body })
    const responses = await Promise.all([
      send('/api/nothing/text', 'what I wrote'),
      send('/api/nothing/blob', new Blob(['what I wrote'], { type: 'text/plain' })),
      send('/api/nothing/form', form),
      session.fetch(new Request('/api/nothing/request', { method: 'PUT', body: 'what I wrote' })),
    ])
    return responses.map(({ status }) => status)
  })
  expect(statuses).toEqual([404, 404, 404, 404])
  for (const kind of ['text', 'blob', 'form', 'request']) {
    const requests = sent(`/api/nothing/${kind}`)
    expect(requests, kind).toHaveLength(2)
    const bodies = requests.map((request) => request.postData())
    expect(bodies[1], kind).toBe(bodies[0])
    expect(bodies[1], kind).toContain('what I wrote')
  }
  expect(sent(PATHS.refresh)).toHaveLength(1)
})
