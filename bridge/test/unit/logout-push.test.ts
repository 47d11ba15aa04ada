/** How clients are told of sign-outs, where they answer in every way, or not at all. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import Fastify from 'fastify'
import { test, type Test } from 'tap'
import { createLogouts } from '../../src/sessions/logouts.ts'
import type { Session } from '../../src/sessions/port.ts'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { openStore } from '../../src/sessions/store.ts'
import type { Client } from '../../src/tokens/clients.ts'
import { createLogoutPush, type LogoutPushOptions } from '../../src/tokens/logout-push.ts'
import { createLogoutRequests } from '../../src/tokens/logout-request.ts'
import { startLogoutReceiver, type LogoutReceiver } from '../logout-receiver.ts'
import { newSession } from '../session-store.ts'
import { until } from '../until.ts'

/** Milliseconds: looks that follow each other closely, and tries as well. */
const TIMES = { interval: 10, pauses: [20, 20, 20], lease: 5000, forgetAfter: 60_000 }

interface Change extends Partial<Omit<LogoutPushOptions, 'times'>> {
  times?: Partial<typeof TIMES>
  timeout?: number
}

/** A database of one test, and bridges on it. */
async function start(t: Test, uris: Record<string, string | undefined>) {
  const file = join(t.testdir({}), 'sessions.sqlite')
  const clients = new Map(
    Object.entries(uris).map(([client_id, backchannel_logout_uri]) => [
      client_id,
      { client_id, backchannel_logout_uri } as Client,
    ]),
  )
  const database = openSqlite(file)
  const store = await openStore(database)
  const stops: (() => Promise<unknown>)[] = []
  t.teardown(async () => {
    for (const stop of stops.reverse()) await stop()
    await store.close()
  })

  const bridge = ({ times, timeout, ...change }: Change = {}) => {
    const own = openSqlite(file)
    const outcomes: string[] = []
    const waiting = new Set<() => void>()
    const push = createLogoutPush({
      clients,
      queue: createLogouts(own),
      // What the token holds is looked at in backchannel-logout.test.ts.
      idTokens: { mintLogout: ({ sid }) => Promise.resolve(sid) },
      requests: createLogoutRequests(timeout),
      log: Fastify().log,
      observe: (outcome) => {
        outcomes.push(outcome)
        for (const look of waiting) look()
      },
      times: { ...TIMES, ...times },
      ...change,
    })
    stops.push(async () => {
      await push.stop()
      await own.close()
    })
    /** Resolves when something has come out so often. */
    const came = (outcome: string, count = 1) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (outcomes.filter((it) => it === outcome).length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    return { push, outcomes, came }
  }

  /** A session that is over. */
  const end = async (client_id: string, change: Partial<Session> = {}) => {
    const session = { ...newSession(), client_id, logout_at: 0, ...change }
    await store.insert(session)
    await store.end(session.sid, 'logout')
    return session.sid
  }
  const leftOf = async (sid: string) => (await store.get(sid))?.logout_at
  /** Until nothing is left to tell of a session: its answer is noted after it was counted. */
  const settled = (sid: string) => until(async () => (await leftOf(sid)) === null)
  return { clients, database, store, bridge, end, leftOf, settled }
}

const sids = ({ received }: LogoutReceiver) => received.map(({ logoutToken }) => logoutToken)

test('one POST of a form, and any answer of success is one', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { bridge, end, settled } = await start(t, { app: receiver.uri })
  const { push, outcomes, came } = bridge()
  push.start()
  for (const [index, status] of [200, 204, 202].entries()) {
    receiver.answer = (response) => response.writeHead(status).end()
    const sid = await end('app')
    await came('told', index + 1)
    await settled(sid)
    t.match(receiver.received[index], {
      method: 'POST',
      path: '/logged-out?app=1',
      contentType: 'application/x-www-form-urlencoded',
      body: `logout_token=${sid}`,
    })
  }
  await push.stop()
  t.same(outcomes, ['told', 'told', 'told'])
  t.equal(receiver.received.length, 3, 'each once')
})

test('400 is a refusal, and is taken for an answer', async (t) => {
  const receiver = await startLogoutReceiver(t)
  receiver.answer = (response) => response.writeHead(400).end('{"error":"invalid_request"}')
  const { bridge, end, settled } = await start(t, { app: receiver.uri })
  const { push, outcomes, came } = bridge()
  push.start()
  const first = await end('app')
  await came('refused')
  await settled(first)
  await end('app')
  await came('refused', 2)
  await push.stop()
  t.equal(receiver.received.length, 2)
  t.same(outcomes, ['refused', 'refused'])
})

test('what fails is tried again after each pause, then given up', async (t) => {
  const failures: Record<string, (response: ServerResponse) => void> = {
    'a fault': (response) => response.writeHead(500).end(),
    'too many': (response) => response.writeHead(429).end(),
    'not found': (response) => response.writeHead(404).end(),
    'no answer in time': () => undefined,
    'a connection that breaks': (response) => response.destroy(),
  }
  for (const [what, fail] of Object.entries(failures)) {
    await t.test(what, async (t) => {
      const receiver = await startLogoutReceiver(t)
      receiver.answer = fail
      const { bridge, end, settled } = await start(t, { app: receiver.uri })
      const { push, outcomes, came } = bridge({ timeout: 100 })
      push.start()
      const sid = await end('app')
      await came('given_up')
      await settled(sid)
      await push.stop()
      t.same(outcomes, ['failed', 'failed', 'failed', 'given_up'])
      t.same(sids(receiver), [sid, sid, sid, sid])
    })
  }
})

test('nobody is there at first, and no key to sign with', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { clients, bridge, end } = await start(t, { app: 'http://127.0.0.1:9/' })
  let keys = 0
  const { push, outcomes, came } = bridge({
    idTokens: {
      mintLogout: ({ sid }) =>
        ++keys === 2 ? Promise.reject(new Error('no keys')) : Promise.resolve(sid),
    },
  })
  push.start()
  const sid = await end('app')
  await came('failed')
  clients.set('app', { client_id: 'app', backchannel_logout_uri: receiver.uri } as Client)
  await came('told')
  await push.stop()
  t.same(outcomes, ['failed', 'failed', 'told'])
  t.same(sids(receiver), [sid])
})

test('the pauses are kept', async (t) => {
  const receiver = await startLogoutReceiver(t)
  receiver.answer = (response) => response.writeHead(503).end()
  const { bridge, end, store } = await start(t, { app: receiver.uri })
  const { push, came } = bridge({ times: { pauses: [50, 3_600_000] } })
  push.start()
  const sid = await end('app')
  await came('failed', 2)
  await push.stop()
  const { logout_at, logout_tries } = (await store.get(sid)) ?? {}
  t.equal(logout_tries, 2)
  t.ok(Math.abs((logout_at ?? 0) - Date.now() - 3_600_000) < 60_000)
})

test('redirects are not followed, and what an answer says does not hold anything up', async (t) => {
  const elsewhere = await startLogoutReceiver(t)
  const receiver = await startLogoutReceiver(t)
  for (const status of [301, 302, 303, 307, 308]) {
    await t.test(String(status), async (t) => {
      receiver.answer = (response) => response.writeHead(status, { location: elsewhere.uri }).end()
      const { bridge, end } = await start(t, { app: receiver.uri })
      const { push, outcomes, came } = bridge({ times: { pauses: [] } })
      push.start()
      await end('app')
      await came('given_up')
      await push.stop()
      t.same(outcomes, ['given_up'])
      t.same(elsewhere.received, [])
    })
  }
  const bodies: Record<string, (response: ServerResponse) => void> = {
    endless: (response) => {
      const endless = function* () {
        for (;;) yield 'x'.repeat(65_536)
      }
      pipeline(endless, response, () => undefined)
    },
    'never ending': (response) => response.write('x'),
  }
  for (const [what, answer] of Object.entries(bodies)) {
    await t.test(what, async (t) => {
      receiver.answer = answer
      const { bridge, end, settled } = await start(t, { app: receiver.uri })
      const { push, outcomes, came } = bridge({ timeout: 1000 })
      push.start()
      const before = process.memoryUsage().rss
      const sid = await end('app')
      await came('told')
      await settled(sid)
      await push.stop()
      t.same(outcomes, ['told'], 'the status was good')
      t.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
    })
  }
})

test('a dead client does not hold up the others', async (t) => {
  const [dead, alive] = [await startLogoutReceiver(t), await startLogoutReceiver(t)]
  dead.answer = () => undefined
  const { bridge, end } = await start(t, { dead: dead.uri, alive: alive.uri })
  const { push, came, outcomes } = bridge({ timeout: 3000, times: { pauses: [] } })
  for (let count = 0; count < 50; count++) await end('dead')
  push.start()
  await dead.came(4)
  for (let count = 0; count < 10; count++) await end('alive')
  await came('told', 10)
  t.same(new Set(outcomes), new Set(['told']), 'none of the dead ones is over yet')
  t.equal(dead.received.length, 4, 'and no more than four wait for it at once')
  await push.stop()
})

test('many dead ones: those that answer still have a place', async (t) => {
  const dead = await startLogoutReceiver(t)
  const alive = await startLogoutReceiver(t)
  dead.answer = () => undefined
  const names = Array.from({ length: 12 }, (_, index) => `dead-${index}`)
  const uris = Object.fromEntries(names.map((name) => [name, dead.uri]))
  const { bridge, end } = await start(t, { ...uris, alive: alive.uri })
  const { push, came } = bridge({ timeout: 3000, times: { pauses: [] } })
  for (const name of names) for (let count = 0; count < 8; count++) await end(name)
  push.start()
  await dead.came(32)
  t.equal(dead.received.length, 32, 'all places are taken')
  await end('alive')
  await came('told')
  t.ok(dead.received.length < 12 * 8, 'before the dead ones were all tried')
  await push.stop()
})

test('two bridges on one database: each sign-out is told once', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { bridge, end, database } = await start(t, { app: receiver.uri })
  const [one, other] = [bridge(), bridge()]
  const ended: string[] = []
  for (let count = 0; count < 40; count++) ended.push(await end('app'))
  one.push.start()
  other.push.start()
  for (let count = 0; count < 40; count++) ended.push(await end('app'))
  await receiver.came(80)
  await Promise.all([one.push.stop(), other.push.stop()])
  t.same(sids(receiver).sort(), ended.sort())
  t.ok(one.outcomes.length > 0 && other.outcomes.length > 0, 'both had a part in it')
  t.same(await database.query('SELECT sid FROM sessions WHERE logout_at IS NOT NULL'), [])
})

test('a bridge that crashed before the answer: another one tells it', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { bridge, end, database, settled } = await start(t, { app: receiver.uri })
  const sid = await end('app')
  const { push, came } = bridge()
  const since = performance.now()
  const lost = await createLogouts(database).claim(new Map([['app', 1]]), 1, 300)
  t.match(lost, [{ sid }])
  push.start()
  await came('told')
  t.ok(performance.now() - since > 200, 'after the lease')
  await settled(sid)
  t.same(sids(receiver), [sid])
})

test('a bridge that stops finishes what it has begun, and leaves the rest', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const open: ServerResponse[] = []
  receiver.answer = (response) => open.push(response)
  const { bridge, end, database } = await start(t, { app: receiver.uri })
  const all = await Promise.all(Array.from({ length: 6 }, () => end('app')))
  const first = bridge()
  first.push.start()
  await receiver.came(4)
  const stopped = first.push.stop()
  for (const response of open) response.end()
  await stopped
  t.same(first.outcomes, ['told', 'told', 'told', 'told'])
  const rest = await database.query('SELECT sid FROM sessions WHERE logout_at IS NOT NULL')
  t.equal(rest.length, 2)

  receiver.answer = (response) => response.end()
  const next = bridge()
  next.push.start()
  await next.came('told', 2)
  t.same(sids(receiver).sort(), all.sort(), 'by the next one')
})

test('who is not registered any more is not told, and nothing stays behind', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { clients, bridge, end, leftOf, settled } = await start(t, {
    gone: receiver.uri,
    without: undefined,
  })
  const open: ServerResponse[] = []
  receiver.answer = (response) => open.push(response)
  const { push, came } = bridge({ times: { forgetAfter: 100 } })
  push.start()
  const tried = await end('gone')
  await receiver.came(1)
  clients.delete('gone')
  open[0]?.writeHead(500).end()
  await came('failed')
  const untold = [tried, await end('gone'), await end('without')]
  t.same(await leftOf(untold[2] ?? ''), 0, 'not at once: another bridge may know better')
  for (const sid of untold) await settled(sid)
  await push.stop()
  t.equal(receiver.received.length, 1)
})

test('an address that is taken away between the claim and the request', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { clients, bridge, end, database, settled } = await start(t, { app: receiver.uri })
  const queue = createLogouts(database)
  const { push, outcomes } = bridge({
    queue: {
      ...queue,
      claim: async (...parameters) => {
        const claimed = await queue.claim(...parameters)
        if (claimed.length > 0) clients.clear()
        return claimed
      },
    },
  })
  const sid = await end('app')
  push.start()
  await settled(sid)
  await push.stop()
  t.same([receiver.received, outcomes], [[], []])
})

test('a database that is away: it looks again, and what was told meanwhile is told again', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { bridge, end, database, settled } = await start(t, { app: receiver.uri })
  const queue = createLogouts(database)
  let [claims, settles] = [0, 0]
  const away = () => Promise.reject(new Error('away'))
  const { push, came } = bridge({
    queue: {
      ...queue,
      claim: (...parameters) => (claims++ === 0 ? away() : queue.claim(...parameters)),
      settle: (sid) => (settles++ === 0 ? away() : queue.settle(sid)),
    },
    times: { lease: 100 },
  })
  push.start()
  const sid = await end('app')
  await came('told', 2)
  await settled(sid)
  await push.stop()
  t.same(sids(receiver), [sid, sid])
})

test('where nobody wants to be told, nobody looks', async (t) => {
  const { bridge } = await start(t, { app: undefined })
  let claims = 0
  let forgets = 0
  const looked = new EventTarget()
  const { push } = bridge({
    queue: {
      claim: () => Promise.resolve(Array.from({ length: ++claims }, () => [] as never)),
      settle: () => Promise.resolve(),
      postpone: () => Promise.resolve(),
      forgetOthers: () => {
        if (++forgets === 3) looked.dispatchEvent(new Event('thrice'))
        return Promise.resolve(0)
      },
    },
    times: { forgetAfter: 30 },
  })
  const thrice = once(looked, 'thrice')
  // The bridge's own timers keep no process alive.
  await startLogoutReceiver(t)
  push.start()
  await thrice
  await push.stop()
  t.equal(claims, 0)
})
