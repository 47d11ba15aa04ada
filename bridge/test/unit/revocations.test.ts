import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { PATHS, type RevocationsPage } from '../../src/contract/index.ts'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import {
  accessClaims,
  accessTokenOf,
  ageChecks,
  errorOf,
  GATE_CREDENTIAL,
  gateHeaders,
  login,
  logout,
  REDIRECT_URI,
  refresh,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'
import { createReader, insertEnded, testRevocations } from '../revocations.ts'

test('the feed on SQLite', (t) => {
  const file = join(t.testdir({}), 'sessions.sqlite')
  testRevocations(t, () => openSqlite(file))
})

const headers = { authorization: `Bearer ${GATE_CREDENTIAL}` }

const get = (app: FastifyInstance, query = '') =>
  app.inject({ url: `${PATHS.revocations}?${query}`, headers })

/** As a gate asks. */
const overHttp = (app: FastifyInstance) => ({
  page: async (epochs: readonly string[], after: string) => {
    const query = new URLSearchParams({ epochs: epochs.join(','), after })
    return (await get(app, query.toString())).json<RevocationsPage>()
  },
})

/** For several bridges: each makes the folder of its test anew. */
function sharedDatabase(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-'))
  const file = join(folder, 'sessions.sqlite')
  const database = openSqlite(file)
  t.teardown(async () => {
    await database.close()
    rmSync(folder, { recursive: true })
  })
  return { database, settings: { SQLITE_FILE: file } }
}

const end = (app: FastifyInstance, path: string, token: string) =>
  app.inject({
    method: 'DELETE',
    url: PATHS.sessions + path,
    headers: { authorization: `Bearer ${token}` },
  })

test('whatever ends a session is in the feed a moment later', async (t) => {
  const { app, odoo, files } = await startBridge(t)
  const bridge = overHttp(app)
  const reader = createReader()
  await reader.round(bridge)
  const fresh = async () => {
    const response = await login(app)
    const token = accessTokenOf(response)
    return { response, token, sid: accessClaims(token).sid }
  }
  const isRefused = async (sid: string) => {
    await reader.ask(bridge)
    return reader.refused.has(sid)
  }

  const here = await fresh()
  t.notOk(await isRefused(here.sid), 'not while it lives')
  await logout(app, refreshTokenOf(here.response))
  t.ok(await isRefused(here.sid), 'logout')

  const [mine, there] = [await fresh(), await fresh()]
  t.equal((await end(app, `/${there.sid}`, mine.token)).statusCode, 204)
  t.ok(await isRefused(there.sid), 'ended by the user elsewhere')

  const stolen = await fresh()
  const next = await refresh(app, refreshTokenOf(stolen.response))
  await refresh(app, refreshTokenOf(next))
  t.equal((await refresh(app, refreshTokenOf(stolen.response))).statusCode, 401)
  t.ok(await isRefused(stolen.sid), 'reuse')

  const verifier = randomBytes(32).toString('base64url')
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const asked = new URLSearchParams({
    response_type: 'code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    state: 'x',
    code_challenge,
    code_challenge_method: 'S256',
  })
  const redirect = await app.inject({
    method: 'POST',
    url: `${PATHS.authorize}?${asked.toString()}`,
    headers: { ...form, ...SAME_ORIGIN },
    payload: 'login=demo&password=demo',
  })
  const redemption = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    code: new URL(redirect.headers.location ?? '').searchParams.get('code') ?? '',
    code_verifier: verifier,
  })
  const redeem = () =>
    app.inject({
      method: 'POST',
      url: PATHS.token,
      headers: form,
      payload: redemption.toString(),
    })
  const { sid } = accessClaims(accessTokenOf(await redeem()))
  t.notOk(await isRefused(sid))
  t.equal((await redeem()).statusCode, 400)
  t.ok(await isRefused(sid), 'a code that was used twice')

  const forgotten = await fresh()
  const known = new Set(odoo.sessions)
  odoo.sessions.clear()
  ageChecks(files.sqlite, 301)
  t.equal((await refresh(app, refreshTokenOf(forgotten.response))).statusCode, 401)
  t.ok(await isRefused(forgotten.sid), 'ended at Odoo, noticed at a refresh')
  for (const id of known) odoo.sessions.add(id)

  const archived = await fresh()
  odoo.sessions.clear()
  const url = PATHS.protectedData
  const answer = await app.inject({ url, headers: gateHeaders(accessClaims(archived.token)) })
  t.equal(answer.statusCode, 401)
  t.ok(await isRefused(archived.sid), 'ended at Odoo, noticed at a call')
})

test('all at once: each session, and whatever token is from before; who signs in again is let in', async (t) => {
  const { app } = await startBridge(t)
  const responses = [await login(app), await login(app)]
  const claims = responses.map((response) => accessClaims(accessTokenOf(response)))
  const [token = ''] = responses.map(accessTokenOf)
  t.equal((await end(app, '', token)).statusCode, 204)
  const again = accessClaims(accessTokenOf(await login(app)))
  const reader = createReader()
  await reader.round(overHttp(app))
  t.same([...reader.refused.keys()].sort(), claims.map(({ sid }) => sid).sort())
  const [cutoff, until] = reader.users.get(again.sub) ?? [0, 0]
  t.ok(claims.every(({ iat, exp }) => iat <= cutoff && exp + 300 <= until))
  t.ok(again.iat > cutoff, 'signed in as soon as the answer came')
})

test('two bridges on one database, in turn', async (t) => {
  const { database, settings } = sharedDatabase(t)
  const one = await startBridge(t, settings)
  const two = await startBridge(t, settings)
  const expected = await insertEnded(database, 6000, Date.now() - 60_000)
  const reader = createReader()
  const pages = await reader.round(overHttp(one.app), overHttp(two.app))
  t.same(
    pages.map(({ all, more }) => [all, more]),
    [
      [true, true],
      [true, true],
      [false, false],
    ],
  )
  t.same([...reader.refused.keys()].sort(), expected.sort())
})

test('what gates must know outlives a short retention', async (t) => {
  const { database, settings } = sharedDatabase(t)
  const { app } = await startBridge(t, settings)
  const [sid = ''] = await insertEnded(database, 1, Date.now() - 800_000)
  await app.close()
  const next = await startBridge(t, { ...settings, SESSION_RETENTION: '1' })
  const reader = createReader()
  await reader.round(overHttp(next.app))
  t.ok(reader.refused.has(sid))
})

test('only the gate is answered, and nobody may keep the answer', async (t) => {
  const { app } = await startBridge(t)
  const good = await get(app)
  t.equal(good.statusCode, 200)
  t.equal(good.headers['cache-control'], 'no-store')
  t.match(good.json(), { all: true, sessions: [], users: [], more: false })

  const token = accessTokenOf(await login(app))
  const bad = ['', 'Bearer', `Bearer ${GATE_CREDENTIAL}x`, `Bearer ${token}`]
  for (const authorization of [...bad, `Basic ${GATE_CREDENTIAL}`]) {
    const response = await app.inject({ url: PATHS.revocations, headers: { authorization } })
    t.equal(response.statusCode, 401, authorization.slice(0, 12))
    t.equal(errorOf(response), 'invalid_gate_credential')
    t.equal(response.headers['cache-control'], 'no-store')
  }
  const asUser = await app.inject({
    url: PATHS.revocations,
    headers: gateHeaders(accessClaims(token)),
  })
  t.equal(asUser.statusCode, 401, 'what comes through the gate is not the gate')
})

test('a question that no gate asks is malformed', async (t) => {
  const { app } = await startBridge(t)
  const bad = [
    'since=1',
    'after=a&after=b',
    'epochs=a&epochs=b',
    'epochs=a%20b',
    `epochs=${'a'.repeat(2001)}`,
    `after=${'a'.repeat(1001)}`,
  ]
  for (const query of bad) {
    const response = await get(app, query)
    t.equal(response.statusCode, 400, query.slice(0, 20))
    t.equal(errorOf(response), 'invalid_request')
  }
  for (const query of ['', 'epochs=&after=', 'epochs=a,b-c&after=%00']) {
    t.match((await get(app, query)).json(), { all: true }, query)
  }
})

test('a database that is gone says nothing', async (t) => {
  const { app, files } = await startBridge(t)
  const database = openSqlite(files.sqlite)
  t.teardown(() => database.close())
  await database.execute('DROP TABLE user_cutoffs')
  const response = await get(app)
  t.equal(response.statusCode, 500)
  t.same(Object.keys(response.json()), ['error', 'error_description'])
  t.notMatch(response.body, 'user_cutoffs')
})
