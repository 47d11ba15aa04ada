import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import {
  ODOO_END_SESSIONS_PATH,
  ODOO_EVENTS_PATH,
  ODOO_SESSIONS_PATH,
  ODOO_STATUS_PATH,
  PATHS,
  type OdooSessions,
  type OdooStatus,
  type RevocationsPage,
  type ValidateResponse,
} from '../../src/contract/index.ts'
import { signEvent, signRequest, startFakeAddon, type FakeAddon } from '../fake-addon.ts'
import {
  accessClaims,
  accessTokenOf,
  errorOf,
  GATE_CREDENTIAL,
  ISSUER,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { until } from '../until.ts'

/** A bridge that knows the addon's key. */
async function start(t: Test, settings: Record<string, string> = {}, given?: FakeAddon) {
  const addon = given ?? (await startFakeAddon(t))
  const known = addon.answered('hello')
  const { app } = await startPairedBridge(t, settings, addon)
  await app.ready()
  await known
  // The key is pinned a moment after it was told.
  await until(async () => (await ask(app, addon, ODOO_STATUS_PATH, {})).statusCode !== 401)
  return { app, addon }
}

const send = (
  app: FastifyInstance,
  path: string,
  { body, proof }: { body: string; proof: string },
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: 'POST',
    url: path,
    headers: { authorization: `Bearer ${proof}`, 'content-type': 'application/json', ...headers },
    payload: body,
  })

const ask = (app: FastifyInstance, addon: FakeAddon, path: string, about: object) =>
  send(app, path, signRequest(addon.key, path, about, ISSUER))

const list = async (app: FastifyInstance, addon: FakeAddon, about: object = {}) =>
  (await ask(app, addon, ODOO_SESSIONS_PATH, about)).json<OdooSessions>()

const isLive = async (app: FastifyInstance, token: string) =>
  (await validate(app, token)).json<ValidateResponse>().status === 'Valid'

const signIn = async (app: FastifyInstance, who = 'demo') => {
  const response = await login(app, { login: who, password: who })
  const token = accessTokenOf(response)
  return { token, cookie: refreshTokenOf(response), ...accessClaims(token) }
}

test('what an administrator may know', async (t) => {
  const { app, addon } = await start(t, { ACCESS_TOKEN_TTL: '300' })
  const status = (await ask(app, addon, ODOO_STATUS_PATH, {})).json<OdooStatus>()
  t.match(status, {
    issuer: ISSUER,
    version: /^\d+\.\d+\.\d+$/,
    access_token_ttl: 300,
    refresh_idle_ttl: 6 * 86400,
    refresh_absolute_ttl: 180 * 86400,
    role_map: { 'base.group_system': 'admin' },
  })
  const { keys } = (await app.inject({ url: PATHS.jwks })).json<{ keys: { kid: string }[] }>()
  t.ok(keys.some(({ kid }) => kid === status.kid))
})

test('live sessions, of one user or all, the one used last first', async (t) => {
  const { app, addon } = await start(t)
  const first = await signIn(app)
  const other = await signIn(app, 'other')
  const second = await signIn(app)
  const sids = async (about: object) =>
    (await list(app, addon, about)).sessions.map(({ sid }) => sid)
  t.same((await sids({ uid: 6 })).sort(), [first.sid, second.sid].sort())
  t.same((await sids({})).sort(), [first.sid, second.sid, other.sid].sort())
  t.same(await sids({ uid: 8 }), [])
  await refresh(app, first.cookie)
  const { sessions, more } = await list(app, addon, { limit: 1 })
  t.match(sessions, [
    {
      sid: first.sid,
      uid: 6,
      client_id: 'drawbridge-pwa',
      client_name: 'Drawbridge',
      first_party: true,
      ip: '127.0.0.1',
      late_replays: 0,
    },
  ])
  t.equal(sessions.length, 1)
  t.equal(more, true)
  t.equal((await list(app, addon, { uid: 6, limit: 2 })).more, false)
  const text = JSON.stringify(await list(app, addon))
  t.notMatch(text, /stamp|odoo_session|generation/, 'nothing that opens anything')
})

test('one is ended, only as one of its user; gates are told', async (t) => {
  const { app, addon } = await start(t)
  const [mine, kept, other] = [await signIn(app), await signIn(app), await signIn(app, 'other')]
  const end = async (about: object) =>
    (await ask(app, addon, ODOO_END_SESSIONS_PATH, about)).json<{ ended: number }>().ended
  t.equal(await end({ uid: 6, sids: [other.sid] }), 0, 'somebody else’s')
  t.ok(await isLive(app, other.token))
  t.equal(await end({ uid: 6, sids: [mine.sid, mine.sid, other.sid, 'nothing'] }), 1)
  t.notOk(await isLive(app, mine.token))
  t.ok(await isLive(app, kept.token))
  t.ok(await isLive(app, other.token))
  t.equal(errorOf(await refresh(app, mine.cookie)), 'invalid_refresh_token')
  t.equal(await end({ uid: 6, sids: [mine.sid] }), 0, 'over is over')
  const page = await app.inject({
    url: PATHS.revocations,
    headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
  })
  t.same(
    page.json<RevocationsPage>().sessions.map(([sid]) => sid),
    [mine.sid],
  )
})

test('all of one user; repeated, it ends nothing that began since, at another bridge neither', async (t) => {
  const addon = await startFakeAddon(t)
  const shared = { SQLITE_FILE: join(t.testdir({}), 'shared.sqlite') }
  const { app } = await start(t, shared, addon)
  const [first, second, other] = [await signIn(app), await signIn(app), await signIn(app, 'other')]
  const request = signRequest(addon.key, ODOO_END_SESSIONS_PATH, { uid: 6, all: true }, ISSUER)
  const response = await send(app, ODOO_END_SESSIONS_PATH, request)
  t.same(response.json(), { ended: 2 })
  t.notOk(await isLive(app, first.token))
  t.notOk(await isLive(app, second.token))
  t.ok(await isLive(app, other.token))
  const later = await signIn(app)
  const again = await send(app, ODOO_END_SESSIONS_PATH, request)
  t.equal(errorOf(again), 'invalid_odoo_proof')
  t.ok(await isLive(app, later.token))
  // A test of its own: each bridge empties the folder of its test.
  await t.test('by a bridge that was not there', async (t) => {
    const second = await start(t, shared, addon)
    t.equal((await send(second.app, ODOO_END_SESSIONS_PATH, request)).statusCode, 401)
  })
  t.ok(await isLive(app, later.token))
})

test('a proof is good for one route, one body and once; nothing else is let in', async (t) => {
  const { app, addon } = await start(t)
  const { token } = await signIn(app)
  const all = { uid: 6, all: true }
  const good = signRequest(addon.key, ODOO_END_SESSIONS_PATH, all, ISSUER)
  const wrong: Record<string, { body: string; proof: string }> = {
    'of an event': {
      ...good,
      proof: signRequest(addon.key, ODOO_EVENTS_PATH, all, ISSUER).proof,
    },
    'of the list': signRequest(addon.key, ODOO_SESSIONS_PATH, all, ISSUER),
    'of another body': { ...good, body: JSON.stringify({ ...all, uid: 7 }) },
    'an access token': { ...good, proof: token },
    'the proof of before, by its type': signRequest(
      addon.key,
      ODOO_END_SESSIONS_PATH,
      all,
      ISSUER,
      {},
      { typ: 'drawbridge-event+jwt' },
    ),
    none: { ...good, proof: '' },
  }
  for (const [what, request] of Object.entries(wrong)) {
    const response = await send(app, ODOO_END_SESSIONS_PATH, request)
    t.equal(response.statusCode, 401, `${what}: ${response.body}`)
    t.equal(errorOf(response), 'invalid_odoo_proof', what)
  }
  const event = signEvent(addon.key, { uids: [7] }, ISSUER)
  t.equal((await send(app, ODOO_SESSIONS_PATH, event)).statusCode, 401)

  for (const about of [
    {},
    { uid: 6 },
    { uid: '6', all: true },
    { uid: 6, all: false },
    { uid: 6, sids: [] },
    { uid: 6, sids: ['a b'] },
    { uid: 6, sids: ['x'], all: true },
    { uid: 6, sids: Array.from({ length: 501 }, (_, index) => `s${index}`) },
    { sids: ['x'] },
    [],
  ]) {
    const response = await ask(app, addon, ODOO_END_SESSIONS_PATH, about)
    t.equal(response.statusCode, 400, JSON.stringify(about).slice(0, 60))
  }
  for (const about of [{ limit: 0 }, { limit: 501 }, { uid: 0 }, { uid: 6, search: 'x' }]) {
    t.equal((await ask(app, addon, ODOO_SESSIONS_PATH, about)).statusCode, 400)
  }
  const broken = signRequest(addon.key, ODOO_STATUS_PATH, {}, ISSUER)
  const type = { 'content-type': 'text/plain' }
  t.equal((await send(app, ODOO_STATUS_PATH, broken, type)).statusCode, 415)
  t.ok(await isLive(app, token), 'all of that ended nothing')
  t.same((await send(app, ODOO_END_SESSIONS_PATH, good)).json(), { ended: 1 }, 'able')
})

test('roles that Odoo gives for groups are there beside those of ROLE_MAP', async (t) => {
  const { app, addon } = await start(t)
  addon.roles = ['sales.manager', 'internal', 'two words', 'Große', '']
  const { cookie, roles } = await signIn(app)
  t.same(roles, ['internal', 'sales.manager'])
  addon.roles = ['stock']
  await send(app, ODOO_EVENTS_PATH, signEvent(addon.key, { uids: [6] }, ISSUER))
  let presented = cookie
  let seen = roles
  await until(async () => {
    const response = await refresh(app, presented)
    presented = refreshTokenOf(response)
    seen = accessClaims(accessTokenOf(response)).roles
    return seen.includes('stock')
  })
  t.same(seen, ['internal', 'stock'])
})

test('with an Odoo as it comes there is no such address', async (t) => {
  const { app } = await startBridge(t)
  const addon = await startFakeAddon(t)
  for (const path of [ODOO_STATUS_PATH, ODOO_SESSIONS_PATH, ODOO_END_SESSIONS_PATH]) {
    t.equal((await ask(app, addon, path, {})).statusCode, 404)
  }
})
