import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { postAuth, signIn as signInAtStack } from '../../../e2e/support/tokens.ts'
import { PATHS } from '../../src/contract/index.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import { startFakeAddon } from '../fake-addon.ts'
import {
  accessClaims,
  accessTokenOf,
  login,
  logout,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'
import { makePerson, odooAs, type Person } from '../odoo-people.ts'
import { startVault } from '../openbao.ts'
import { until } from '../until.ts'

const { accounts, inside } = readStack()

/** Seconds: far below what it takes without a push, far above what it takes with one. */
const SLOWEST = 5
const RUNS = 10

const signIn = async (app: FastifyInstance, { login: name, password }: Person) => {
  const response = await login(app, { login: name, password })
  const token = accessTokenOf(response)
  return { token, cookie: refreshTokenOf(response), ...accessClaims(token) }
}

/** What Odoo itself says of a token: no gate is asked. */
async function statusAtOdoo(token: string): Promise<number> {
  const response = await fetch(`${inside.odooUrl}/json/2/res.partner/search_count`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: '{"domain":[]}',
  })
  await response.body?.cancel()
  return response.status
}

/** Seconds from before the session ended to until Odoo refuses its tokens. */
async function untilRefused(tokens: string[], end: () => PromiseLike<unknown>): Promise<number> {
  const since = performance.now()
  await end()
  for (const token of tokens) {
    // Odoo is polled, as a client would meet it: there is no event to wait for.
    while ((await statusAtOdoo(token)) !== 401) {
      if (performance.now() - since > 30_000) throw new Error('Odoo goes on taking the token.')
      await delay(10)
    }
  }
  return (performance.now() - since) / 1000
}

async function start(t: Test) {
  const { app } = await startAddonBridge(t, { ODOO_RECONCILE_INTERVAL: '3600' })
  await app.ready()
  const admin = await odooAs(t, accounts.admin)
  return { app, admin }
}

test('from a sign-out at the bridge to 401 at Odoo itself', async (t) => {
  const { app, admin } = await start(t)
  const person = await makePerson(admin)
  const other = await signIn(app, person)
  const all: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const session = await signIn(app, person)
    t.equal(await statusAtOdoo(session.token), 200)
    // The bridge looks once a second: each run begins somewhere else in it.
    await delay((run / RUNS) * 1000)
    const seconds = await untilRefused([session.token], () => logout(app, session.cookie))
    t.ok(seconds < SLOWEST, `${seconds.toFixed(2)} s`)
    all.push(seconds)
  }
  t.equal(await statusAtOdoo(other.token), 200, 'another session of the user goes on')
  all.sort((a, b) => a - b)
  const median = (all[RUNS / 2] ?? 0).toFixed(2)
  t.comment(
    `${RUNS} runs: median ${median} s, slowest ${(all.at(-1) ?? 0).toFixed(2)} s (goal: 2 s)`,
  )
})

test('signing out everywhere: Odoo refuses all tokens of the user, and of nobody else', async (t) => {
  const { app, admin } = await start(t)
  const [person, stranger] = [await makePerson(admin), await makePerson(admin)]
  const [one, two] = [await signIn(app, person), await signIn(app, person)]
  const theirs = await signIn(app, stranger)
  const seconds = await untilRefused([one.token, two.token], () =>
    app.inject({
      method: 'DELETE',
      url: PATHS.sessions,
      headers: { authorization: `Bearer ${one.token}` },
    }),
  )
  t.ok(seconds < SLOWEST, `${seconds.toFixed(2)} s`)
  t.equal(await statusAtOdoo(theirs.token), 200)
  // A cut-off is of a whole second, at Odoo as at the gate.
  await until(() => Promise.resolve(Date.now() / 1000 > Math.floor(two.iat) + 2))
  t.equal(await statusAtOdoo((await signIn(app, person)).token), 200, 'they may come back')
})

test('what ended before this bridge began is told at its start', async (t) => {
  const person = await makePerson(await odooAs(t, accounts.admin))
  // At the stack's own bridge, which has no addon's adapter.
  const { login: name, password } = person
  const session = await signInAtStack({ login: name, password })
  t.equal((await postAuth(PATHS.logout, {}, session.cookie)).status, 204)
  t.equal(await statusAtOdoo(session.accessToken), 200, 'Odoo does not know')
  const seconds = await untilRefused([session.accessToken], async () => {
    const { app } = await startAddonBridge(t, {
      DATABASE_URL: inside.bridgeDatabaseUrl,
      ODOO_RECONCILE_INTERVAL: '3600',
    })
    await app.ready()
  })
  t.ok(seconds < SLOWEST, `${seconds.toFixed(2)} s`)
})

/** How often keys were pushed with this outcome, by the bridge's own count. */
async function pushes(app: FastifyInstance, outcome: 'ok' | 'failed' | 'differs'): Promise<number> {
  const { body } = await app.inject({ url: '/metrics' })
  const line = new RegExp(`odoo_pushes_total{what="keys",outcome="${outcome}"} (\\d+)`)
  return Number(line.exec(body)?.[1] ?? 0)
}

test('a compromise: Odoo is told to fetch by the next look at the keys', async (t) => {
  const vault = await startVault(t)
  const place = await vault.place({ custody: 'fetched' })
  const addon = await startFakeAddon(t)
  const { app } = await startBridge(t, {
    ...place.settings,
    ODOO_ADAPTER: 'addon',
    ODOO_URL: addon.url,
    ODOO_RECONCILE_INTERVAL: '3600',
    KEY_POLL_INTERVAL: '1',
  })
  const kids = async () => {
    const response = await app.inject({ url: PATHS.jwks })
    return response.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid)
  }
  addon.kids = await kids()
  await until(async () => (await pushes(app, 'ok')) > 0)
  const [stolen] = addon.kids
  const before = await pushes(app, 'ok')
  const { transit } = place.paths
  const oldest = { min_decryption_version: 2, min_encryption_version: 2 }
  await vault.admin.write(`${transit}/rotate`, {})
  await vault.admin.write(`${transit}/config`, oldest)
  await until(async () => !(await kids()).includes(stolen ?? ''))
  addon.kids = await kids()
  await until(async () => (await pushes(app, 'ok')) > before)
  t.not(addon.kids[0], stolen)
})
