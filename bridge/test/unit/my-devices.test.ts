import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { PATHS, type SessionsResponse } from '../../src/contract/index.ts'
import { deviceLabel } from '../../src/tokens/device.ts'
import {
  accessClaims,
  accessTokenOf,
  errorOf,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const list = async (app: FastifyInstance, token: string) => {
  const response = await app.inject({ url: PATHS.sessions, headers: bearer(token) })
  return response.json<SessionsResponse>().sessions
}

const end = (app: FastifyInstance, path: string, token: string) =>
  app.inject({ method: 'DELETE', url: PATHS.sessions + path, headers: bearer(token) })

test('a user sees where they are signed in, and ends one of it', async (t) => {
  const { app, odoo } = await startBridge(t)
  const [here, there] = [await login(app), await login(app)]
  const token = accessTokenOf(here)
  const sessions = await list(app, token)
  t.equal(sessions.length, 2)
  t.match(
    sessions.find(({ current }) => current),
    { sid: accessClaims(token).sid, client_name: 'Drawbridge', ip: '127.0.0.1', late_replays: 0 },
  )
  t.notMatch(JSON.stringify(sessions), /session-\d|odoo_session/, 'nothing that opens anything')

  const { sid } = accessClaims(accessTokenOf(there))
  t.equal((await end(app, `/${sid}`, token)).statusCode, 204)
  t.equal((await refresh(app, refreshTokenOf(there))).statusCode, 401)
  t.equal(odoo.sessions.size, 1, 'ended at Odoo, too')
  t.equal((await refresh(app, refreshTokenOf(here))).statusCode, 200)
  t.equal(errorOf(await end(app, `/${sid}`, token)), 'not_found', 'over is over')
  t.equal(errorOf(await end(app, '/nobody', token)), 'not_found')
})

test('all at once, the one that asks included', async (t) => {
  const { app, odoo } = await startBridge(t)
  const first = await login(app)
  const responses = [first, await login(app), await login(app)]
  const token = accessTokenOf(first)
  t.equal((await end(app, '', token)).statusCode, 204)
  for (const response of responses) {
    t.equal((await refresh(app, refreshTokenOf(response))).statusCode, 401)
  }
  t.equal(odoo.sessions.size, 0)
  t.equal(errorOf(await end(app, '', token)), 'invalid_token', 'the token dies with its session')
})

test('only the PWA’s own token, of a live session, and only its user’s', async (t) => {
  const { app } = await startBridge(t)
  const mine = await login(app)
  const other = await login(app, { login: 'other', password: 'other' })
  const { sid } = accessClaims(accessTokenOf(mine))
  t.equal(errorOf(await end(app, `/${sid}`, accessTokenOf(other))), 'not_found')
  t.equal((await refresh(app, refreshTokenOf(mine))).statusCode, 200, 'it lives on')

  const foreign = accessTokenOf(await login((await startBridge(t)).app))
  for (const token of ['', 'x', refreshTokenOf(mine), foreign]) {
    const response = await app.inject({ url: PATHS.sessions, headers: bearer(token) })
    t.equal(response.statusCode, 401)
    t.equal(errorOf(response), 'invalid_token')
    t.match(response.headers['www-authenticate'], /error="invalid_token"/)
  }
  t.equal(errorOf(await app.inject({ url: PATHS.sessions })), 'invalid_token')
})

test('a device has a name that a person knows', (t) => {
  t.equal(deviceLabel(FIREFOX), 'Firefox on Windows')
  t.equal(deviceLabel(''), 'Unknown device')
  t.equal(deviceLabel('\u0000<script>'), 'Unknown device')
  t.ok(deviceLabel('x'.repeat(100_000)).length < 100)
  t.end()
})
