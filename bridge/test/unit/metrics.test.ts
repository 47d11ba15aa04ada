import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { createMetrics } from '../../src/plugins/metrics.ts'
import {
  accessClaims,
  accessTokenOf,
  gateHeaders,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'

/** The value of one line of `/metrics`. */
const valueOf = (text: string, line: string): number | undefined => {
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1))
}

test('what happens is counted', async (t) => {
  const { app, odoo } = await startBridge(t)
  const signedIn = await login(app)
  await login(app, { login: 'demo', password: 'wrong' })
  odoo.failWith = 502
  await login(app)
  odoo.failWith = undefined
  const first = refreshTokenOf(signedIn)
  const second = refreshTokenOf(await refresh(app, first))
  await refresh(app, first)
  await refresh(app, second)
  await app.inject({
    url: PATHS.protectedData,
    headers: gateHeaders(accessClaims(accessTokenOf(signedIn))),
  })
  await refresh(app, first)
  await refresh(app, second)
  await refresh(app, 'no token')
  await app.inject({ url: '/nothing/of/this/name' })

  const answer = await app.inject({ url: '/metrics' })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^text\/plain; version=/)
  const expected: Record<string, number> = {
    'drawbridge_sign_ins_total{outcome="identity"}': 1,
    'drawbridge_sign_ins_total{outcome="denied"}': 1,
    'drawbridge_sign_ins_total{outcome="fault"}': 1,
    'drawbridge_refreshes_total{outcome="rotated"}': 2,
    'drawbridge_refreshes_total{outcome="repeated"}': 1,
    'drawbridge_refreshes_total{outcome="reuse"}': 1,
    'drawbridge_refreshes_total{outcome="ended"}': 1,
    'drawbridge_refreshes_total{outcome="invalid"}': 1,
    'drawbridge_odoo_call_duration_seconds_count{operation="signIn",outcome="ok"}': 2,
    'drawbridge_odoo_call_duration_seconds_count{operation="signIn",outcome="unavailable"}': 1,
    'drawbridge_odoo_call_duration_seconds_count{operation="read",outcome="ok"}': 1,
    'drawbridge_http_request_duration_seconds_count{method="POST",route="/auth/login",status="401"}': 1,
    'drawbridge_http_request_duration_seconds_count{method="GET",route="none",status="404"}': 1,
  }
  for (const [line, value] of Object.entries(expected)) {
    t.equal(valueOf(answer.body, line), value, line)
  }
  t.ok((valueOf(answer.body, 'drawbridge_signing_duration_seconds_count{key="signing"}') ?? 0) >= 4)
  t.notMatch(answer.body, 'of/this/name', 'what a stranger asks for names no series')
})

test('a request that a proxy passed on finds no figures', async (t) => {
  const { app } = await startBridge(t)
  const headers = { 'x-forwarded-for': '192.0.2.1' }
  t.equal((await app.inject({ url: '/metrics', headers })).statusCode, 404)
})

test('the pool is read when somebody asks', async (t) => {
  const { registry, watchPool } = createMetrics()
  let waiting = 0
  watchPool(() => ({ busy: 1, idle: 2, waiting }))
  waiting = 3
  const text = await registry.metrics()
  t.equal(valueOf(text, 'drawbridge_database_connections{state="busy"}'), 1)
  t.equal(valueOf(text, 'drawbridge_database_connections{state="waiting"}'), 3)
})

test('keys: what happens to them is counted', async (t) => {
  const { registry, keys } = createMetrics()
  keys.signFailed('signing')
  keys.signFailed('id_token')
  keys.fetched('signing')
  keys.fetchFailed('signing')
  keys.fetchFailed('id_token')
  keys.loggedIn()
  keys.loginFailed()
  const text = await registry.metrics()
  for (const line of [
    'drawbridge_signing_failures_total{key="signing"}',
    'drawbridge_signing_failures_total{key="id_token"}',
    'drawbridge_key_fetches_total{key="signing",outcome="ok"}',
    'drawbridge_key_fetches_total{key="signing",outcome="failed"}',
    'drawbridge_key_fetches_total{key="id_token",outcome="failed"}',
    'drawbridge_vault_logins_total{outcome="ok"}',
    'drawbridge_vault_logins_total{outcome="failed"}',
  ]) {
    t.equal(valueOf(text, line), 1, line)
  }
})
