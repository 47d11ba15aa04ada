import Fastify from 'fastify'
import { test, type Test } from 'tap'
import { PATHS, type OdooRevocations, type RevocationsPage } from '../../src/contract/index.ts'
import type { PublicJwk } from '../../src/keys/port.ts'
import { OdooUnavailable } from '../../src/odoo/port.ts'
import { createKeyPush } from '../../src/tokens/key-push.ts'
import { createRevocationPush } from '../../src/tokens/revocation-push.ts'
import { startFakeAddon, type FakeAddon } from '../fake-addon.ts'
import {
  accessClaims,
  accessTokenOf,
  login,
  logout,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { until } from '../until.ts'

const { log } = Fastify()

/** What a bridge told, by its own count. */
const counted = async ({ app }: Awaited<ReturnType<typeof startBridge>>, line: string) =>
  (await app.inject({ url: '/metrics' })).body.includes(`drawbridge_odoo_pushes_total${line}`)

/** A bridge with the addon's adapter. */
async function start(t: Test, addon: FakeAddon, settings: Record<string, string> = {}) {
  const bridge = await startPairedBridge(t, settings, addon)
  await bridge.app.ready()
  return bridge
}

const signIn = async ({ app }: Awaited<ReturnType<typeof start>>) => {
  const response = await login(app)
  return { cookie: refreshTokenOf(response), ...accessClaims(accessTokenOf(response)) }
}

const sidsOf = (lists: OdooRevocations[]) =>
  lists.flatMap(({ sessions }) => sessions.map(({ sid }) => sid))

test('Odoo is told which sessions have ended, and after a restart once more', async (t) => {
  const addon = await startFakeAddon(t)
  const bridge = await start(t, addon)
  const [ended, other] = [await signIn(bridge), await signIn(bridge)]
  await logout(bridge.app, ended.cookie)
  await until(() => addon.refused.length > 0)
  t.same(sidsOf(addon.refused), [ended.sid])
  const { until: refusedUntil = 0 } = addon.refused[0]?.sessions[0] ?? {}
  t.ok(refusedUntil > ended.exp, 'for as long as any token of it could be taken')
  await until(() => counted(bridge, '{what="revocations",outcome="ok"} 1'))
  await bridge.app.close()

  addon.refused.length = 0
  await t.test('another bridge on the same sessions', async (t) => {
    await start(t, addon, { SQLITE_FILE: bridge.files.sqlite })
    await until(() => addon.refused.length > 0)
    t.same(sidsOf(addon.refused), [ended.sid])
    t.not(other.sid, ended.sid)
  })
})

test('who signs out everywhere, or may not sign in any more, is out up to now', async (t) => {
  const addon = await startFakeAddon(t)
  const bridge = await start(t, addon, { ODOO_RECONCILE_INTERVAL: '1' })
  const before = Math.floor(Date.now() / 1000)
  const sessions = [await signIn(bridge), await signIn(bridge)]
  addon.stamps.delete(6)
  await until(
    () => sidsOf(addon.refused).length === 2 && addon.refused.some(({ users }) => users.length > 0),
  )
  t.same(sidsOf(addon.refused).sort(), sessions.map(({ sid }) => sid).sort())
  const [user] = addon.refused.flatMap(({ users }) => users)
  t.equal(user?.uid, 6)
  t.ok(
    user && user.cutoff >= before && user.cutoff <= Date.now() / 1000 && user.until > user.cutoff,
  )
})

test('an Odoo that is down is told when it is back', async (t) => {
  const addon = await startFakeAddon(t)
  const bridge = await start(t, addon)
  const session = await signIn(bridge)
  addon.failWith = 500
  const failed = addon.answered('revocations')
  await logout(bridge.app, session.cookie)
  await failed
  addon.failWith = undefined
  await until(() => addon.refused.length > 0)
  t.same(sidsOf(addon.refused), [session.sid])
})

const pageOf = (numbers: number[], more: boolean): RevocationsPage => ({
  epoch: 'epoch',
  all: false,
  sessions: numbers.map((number) => [`s${number}`, 2_000_000_000]),
  users: [],
  after: String(numbers.at(-1) ?? ''),
  more,
})

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index)

test('in lists of a thousand; after a failure on from there; nothing while nothing is new', async (t) => {
  const asked: string[] = []
  const told: string[][] = []
  let failures = 1
  // Every look finds the same again, as in the ten seconds that a round looks back.
  const push = createRevocationPush({
    revocations: {
      page: (_epochs, after) => {
        asked.push(after)
        if (after !== '2499') return Promise.resolve(pageOf(range(0, 2500), true))
        return Promise.resolve({ ...pageOf(range(2500, 2600), false), after: '' })
      },
    },
    odoo: {
      refuse: ({ sessions }) => {
        if (told.length === 1 && failures-- > 0) return Promise.reject(new OdooUnavailable('no'))
        told.push(sessions.map(({ sid }) => sid))
        return Promise.resolve()
      },
    },
    log,
    observe: () => undefined,
  })
  push.start()
  // The failed one, the first whole round, and two more that find nothing new.
  await until(() => asked.length >= 7)
  await push.stop()
  t.same(
    told.map(({ length }) => length),
    [1000, 1000, 500, 100],
  )
  t.same(
    told.flat(),
    range(0, 2600).map((number) => `s${number}`),
  )
  t.same(asked.slice(0, 4), ['', '', '2499', ''])
})

test('a database that is away: it looks again', async (t) => {
  let looks = 0
  const outcomes: string[] = []
  const push = createRevocationPush({
    revocations: {
      page: () =>
        looks++ === 0 ? Promise.reject(new Error('away')) : Promise.resolve(pageOf([1], false)),
    },
    odoo: { refuse: () => Promise.resolve() },
    log,
    observe: (outcome) => outcomes.push(outcome),
  })
  push.start()
  await until(() => outcomes.length === 2)
  await push.stop()
  t.same(outcomes, ['failed', 'ok'])
})

test('with an Odoo as it comes nobody is told', async (t) => {
  const addon = await startFakeAddon(t)
  const { app } = await startBridge(t, { ODOO_URL: addon.url })
  await app.ready()
  await app.close()
  t.same(addon.calls, [])
})

const ID_TOKEN_JWK: PublicJwk = {
  kid: 'id-token',
  use: 'sig',
  drawbridge_signs: 'id_token',
  kty: 'RSA',
  n: '',
  e: 'AQAB',
  alg: 'RS256',
}

/** Keys as published here, and what Odoo answers to each push, one after the other. */
function keyPush(t: Test, published: { kids: string[] }, answers: (string[] | Error)[]) {
  const outcomes: string[] = []
  const push = createKeyPush({
    clientSigner: {
      publicJwks: () =>
        Promise.resolve([
          ...published.kids.map((kid) => ({
            ...({ kid, use: 'sig', kty: 'EC', crv: 'P-256', x: '', y: '', alg: 'ES256' } as const),
          })),
          // Odoo does not take it, and need not.
          ID_TOKEN_JWK,
        ]),
    },
    odoo: {
      fetchKeys: () => {
        const answer = answers.shift() ?? published.kids
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
      },
    },
    log,
    observe: (outcome) => outcomes.push(outcome),
  })
  t.teardown(() => push.stop())
  return { push, outcomes }
}

test('Odoo fetches the keys at the start', async (t) => {
  const addon = await startFakeAddon(t)
  const first = addon.answered('keys')
  const bridge = await start(t, addon)
  const { app } = bridge
  await first
  const { keys } = (await app.inject({ url: PATHS.jwks })).json<{ keys: { kid: string }[] }>()
  addon.kids = keys.map(({ kid }) => kid)
  await addon.answered('keys')
  await until(() => addon.calls.filter((name) => name === 'keys').length === 2)
  await until(() => counted(bridge, '{what="keys",outcome="ok"} 1'))
  t.ok(await counted(bridge, '{what="keys",outcome="differs"} 1'))
})

test('again until Odoo takes what is published: no more, and no less', async (t) => {
  const published = { kids: ['b', 'c'] }
  const { push, outcomes } = keyPush(t, published, [['b'], ['a', 'b', 'c']])
  push.changed()
  t.same(outcomes, [], 'not before it is started')
  push.start()
  await until(() => outcomes.length === 3)
  t.same(outcomes, ['differs', 'differs', 'ok'])
})

test('what changes while a push is under way or waits is pushed at once', async (t) => {
  const published = { kids: ['a'] }
  const { push, outcomes } = keyPush(t, published, [new OdooUnavailable('no')])
  push.start()
  await until(() => outcomes.length === 1)
  published.kids = ['b']
  push.changed()
  // In the same turn: no timer is waited for.
  await new Promise(setImmediate)
  t.equal(outcomes.length, 2, 'without the rest of the pause')
  push.changed()
  push.changed()
  await until(() => outcomes.length >= 3)
  await push.stop()
  t.same(outcomes.slice(0, 3), ['failed', 'ok', 'ok'])
})
