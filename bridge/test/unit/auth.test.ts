import { createSigner } from 'fast-jwt'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  COOKIE,
  cookieOf,
  errorOf,
  ISSUER,
  login,
  logout,
  refresh,
  refreshClaims,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
  validate,
} from '../helper.ts'

test('A2, A3: a sign-in gives a short-lived access token and a refresh cookie', async (t) => {
  const { app, odoo } = await startBridge(t)
  const response = await login(app)
  t.equal(response.statusCode, 200)
  t.match(response.json(), { token_type: 'Bearer', expires_in: 600, scope: 'odoo.read odoo.write' })
  t.notMatch(response.body, refreshTokenOf(response), 'the refresh token is in the cookie alone')
  t.equal(response.headers['cache-control'], 'no-store')

  const claims = accessClaims(accessTokenOf(response))
  t.match(claims, {
    iss: ISSUER,
    aud: [`${ISSUER}/api`, ISSUER, 'odoo:the-uuid'],
    sub: '6',
    client_id: 'drawbridge-pwa',
    roles: ['internal'],
    amr: ['pwd'],
  })
  t.equal(claims.exp - claims.iat, 600)
  t.equal(odoo.calls[0]?.headers['x-forwarded-host'], 'localhost:8080', 'Odoo counts per client')
  t.equal(odoo.calls[0]?.headers['x-forwarded-for'], '127.0.0.1')
})

test('A4: the cookie is out of the reach of scripts and other sites', async (t) => {
  const { app } = await startBridge(t)
  const cookie = cookieOf(await login(app))
  t.match(cookie, { name: COOKIE, httpOnly: true, sameSite: 'Lax', path: '/' })
  t.equal(cookie?.maxAge, 6 * 86400)
  t.notOk(cookie?.domain)

  const https = await startBridge(t, { ISSUER: 'https://id.example.com' })
  t.match(cookieOf(await login(https.app)), { name: `__Host-${COOKIE}`, secure: true, path: '/' })
})

test('wrong password and unknown login look alike, a second factor does not', async (t) => {
  const { app } = await startBridge(t)
  const wrong = await login(app, { login: 'demo', password: 'no' })
  const unknown = await login(app, { login: 'nobody', password: 'no' })
  t.equal(wrong.statusCode, 401)
  t.equal(errorOf(wrong), 'invalid_credentials')
  t.equal(wrong.body, unknown.body)
  t.notOk(cookieOf(wrong))
  const second = await login(app, { login: 'second', password: 'second' })
  t.equal(errorOf(second), 'mfa_required')
  t.notOk(cookieOf(second))
})

test('Odoo down: 503 with Retry-After and nothing more', async (t) => {
  const { app, odoo } = await startBridge(t)
  odoo.failWith = 502
  const response = await login(app)
  t.equal(response.statusCode, 503)
  t.equal(response.headers['retry-after'], '5')
  t.same(Object.keys(response.json<object>()), ['error', 'error_description'])
})

test('whoever is not of the same origin is turned away before Odoo is asked', async (t) => {
  const { app, odoo } = await startBridge(t)
  const payload = { login: 'demo', password: 'demo' }
  const from = (headers: IncomingHttpHeaders) =>
    app.inject({ method: 'POST', url: PATHS.login, headers, payload })
  const refused: IncomingHttpHeaders[] = [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: ISSUER },
    { origin: 'null' },
    { origin: `${ISSUER}.evil.example` },
    { origin: 'http://localhost:8081' },
  ]
  for (const headers of refused) {
    const response = await from(headers)
    t.equal(response.statusCode, 403, JSON.stringify(headers))
    t.equal(errorOf(response), 'origin_refused')
  }
  t.equal(odoo.calls.length, 0)
  t.equal((await from({ origin: ISSUER })).statusCode, 200, 'an older browser sends the origin')
})

test('only JSON is taken', async (t) => {
  const { app, odoo } = await startBridge(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
    const headers = type ? { ...SAME_ORIGIN, 'content-type': type } : SAME_ORIGIN
    const response = await app.inject({
      method: 'POST',
      url: PATHS.login,
      headers,
      payload: '{"login":"demo","password":"demo"}',
    })
    t.equal(response.statusCode, 415, type ?? 'none')
  }
  const refreshed = await app.inject({ method: 'POST', url: PATHS.refresh, headers: SAME_ORIGIN })
  t.equal(refreshed.statusCode, 415)
  for (const payload of ['{', '[]', '{"login":1,"password":"x"}', '{"login":"demo"}']) {
    const headers = { ...SAME_ORIGIN, 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url: PATHS.login, headers, payload })
    t.equal(response.statusCode, 400, payload)
  }
  t.equal(odoo.calls.length, 0)
})

test('A9–A11: a refresh rotates the cookie and gives a new access token', async (t) => {
  const { app } = await startBridge(t)
  const first = await login(app)
  const second = await refresh(app, refreshTokenOf(first))
  t.equal(second.statusCode, 200)
  const [before, after] = [first, second].map((r) => refreshClaims(refreshTokenOf(r)))
  t.equal(after?.sid, before?.sid)
  t.equal(after?.gen, 1)
  const ids = [first, second].map((r) => accessClaims(accessTokenOf(r)).jti)
  t.not(ids[0], ids[1])
})

test('A11: a repeated refresh gets the same generation, never a second branch', async (t) => {
  const { app } = await startBridge(t)
  const token = refreshTokenOf(await login(app))
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(app, token)))
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  const generations = answers.map((r) => refreshClaims(refreshTokenOf(r)).gen)
  t.same([...new Set(generations)], [1])
})

test('A12: a refresh token two generations old ends the session', async (t) => {
  const { app, odoo } = await startBridge(t)
  const first = refreshTokenOf(await login(app))
  const second = refreshTokenOf(await refresh(app, first))
  const third = refreshTokenOf(await refresh(app, second))
  t.equal(odoo.sessions.size, 1)

  const stolen = await refresh(app, first)
  t.equal(stolen.statusCode, 401)
  t.equal(errorOf(stolen), 'invalid_refresh_token')
  t.equal(cookieOf(stolen)?.value, '', 'the cookie is cleared')
  t.equal((await refresh(app, third)).statusCode, 401, 'the newest is worth nothing either')
  t.equal(odoo.sessions.size, 0, 'over at Odoo, too')
})

test('A12: what is no refresh token of this bridge is refused', async (t) => {
  const { app, files } = await startBridge(t)
  const signedIn = await login(app)
  const token = refreshTokenOf(signedIn)
  const claims = refreshClaims(token)
  const { secret } = JSON.parse(readFileSync(files.keys, 'utf8')) as { secret: string }
  const forge = (change: object, options: object = {}) =>
    createSigner({
      algorithm: 'HS256',
      key: Buffer.from(secret, 'base64'),
      kid: 'file',
      header: { alg: 'HS256', typ: 'rt+jwt' },
      ...options,
    })({ ...claims, ...change })
  const [head = '', body = '', signature = ''] = token.split('.')
  const unsigned = Buffer.from('{"alg":"none","typ":"rt+jwt","kid":"file"}').toString('base64url')
  const bad: Record<string, string> = {
    empty: '',
    'not a token': 'x',
    'an access token': accessTokenOf(signedIn),
    'another signature': `${head}.${body}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`,
    unsigned: `${unsigned}.${body}.`,
    'another key': forge({}, { key: Buffer.alloc(32) }),
    'another kid': forge({}, { kid: 'other' }),
    'another typ': forge({}, { header: { alg: 'HS256', typ: 'JWT' } }),
    'another issuer': forge({ iss: 'http://localhost:8081' }),
    'another audience': forge({ aud: `${ISSUER}/api` }),
    expired: forge({ exp: Math.floor(Date.now() / 1000) - 60 }),
    'no generation': forge({ gen: undefined }),
    'half a generation': forge({ gen: 0.5 }),
    'a negative generation': forge({ gen: -1 }),
    'an unknown session': forge({ sid: 'nobody' }),
    'of a client without a cookie': forge({ client_id: 'other-app' }),
  }
  for (const [what, value] of Object.entries(bad)) {
    const response = await refresh(app, value)
    t.equal(response.statusCode, 401, what)
    t.equal(errorOf(response), 'invalid_refresh_token', what)
  }
  t.equal((await refresh(app, forge({}))).statusCode, 200, 'the forger of this test is able')
})

test('a cookie that came twice is nobody’s', async (t) => {
  const { app } = await startBridge(t)
  const token = refreshTokenOf(await login(app))
  const response = await app.inject({
    method: 'POST',
    url: PATHS.refresh,
    headers: { ...SAME_ORIGIN, cookie: `${COOKIE}=${token}; ${COOKIE}=${token}` },
    payload: {},
  })
  t.equal(response.statusCode, 400)
})

test('a signed-out session is over everywhere', async (t) => {
  const { app, odoo } = await startBridge(t)
  const signedIn = await login(app)
  t.equal(odoo.sessions.size, 1)
  const statusOf = async () =>
    (await validate(app, accessTokenOf(signedIn))).json<{ status: string }>().status
  t.equal(await statusOf(), 'Valid')
  const response = await logout(app, refreshTokenOf(signedIn))
  t.equal(response.statusCode, 204)
  t.equal(cookieOf(response)?.value, '')
  t.equal(odoo.sessions.size, 0)
  t.equal((await refresh(app, refreshTokenOf(signedIn))).statusCode, 401)
  t.equal(await statusOf(), 'Invalid', 'also to a validator that has seen it')
  t.equal((await logout(app, refreshTokenOf(signedIn))).statusCode, 204, 'twice does no harm')
})
