import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import {
  accessClaims,
  API_AUDIENCE,
  errorOf,
  ISSUER,
  login,
  REDIRECT_URI,
  refresh,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'

const VERIFIER = randomBytes(32).toString('base64url')
const REQUEST = {
  response_type: 'code',
  client_id: 'other-app',
  redirect_uri: REDIRECT_URI,
  state: 'the state',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** The address of a request with some of its parameters changed; undefined leaves one out. */
const authorizeUrl = (change: Record<string, string | undefined> = {}): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...REQUEST, ...change } as typeof change)) {
    if (value !== undefined) parameters.set(name, value)
  }
  return `${PATHS.authorize}?${parameters.toString()}`
}

const signIn = (app: FastifyInstance, password = 'demo', headers: object = SAME_ORIGIN) =>
  app.inject({
    method: 'POST',
    url: authorizeUrl(),
    headers: { ...FORM, ...headers },
    payload: new URLSearchParams({ login: 'demo', password }).toString(),
  })

const token = (app: FastifyInstance, body: Record<string, string>) =>
  app.inject({
    method: 'POST',
    url: PATHS.token,
    headers: { ...FORM, origin: 'http://127.0.0.1:8090' },
    payload: new URLSearchParams(body).toString(),
  })

const redemption = (code: string) => ({
  grant_type: 'authorization_code',
  client_id: 'other-app',
  redirect_uri: REDIRECT_URI,
  code_verifier: VERIFIER,
  code,
})

const codeFor = async (app: FastifyInstance): Promise<string> =>
  new URL((await signIn(app)).headers.location ?? '').searchParams.get('code') ?? ''

test('B2, B3: sign-in form, code, tokens of one audience', async (t) => {
  const { app } = await startBridge(t)
  const form = await app.inject({ url: authorizeUrl() })
  t.equal(form.statusCode, 200)
  t.match(form.body, /Other app/)
  t.match(form.headers['content-security-policy'], /form-action 'self' http:\/\/127.0.0.1:8090;/)
  t.match(form.headers['content-security-policy'], /frame-ancestors 'none'/)

  const answer = await signIn(app)
  t.equal(answer.statusCode, 303)
  const location = new URL(answer.headers.location ?? '')
  t.equal(location.origin + location.pathname, REDIRECT_URI)
  t.equal(location.searchParams.get('state'), 'the state')
  t.equal(location.searchParams.get('iss'), ISSUER)

  const tokens = await token(app, redemption(location.searchParams.get('code') ?? ''))
  t.equal(tokens.statusCode, 200)
  t.equal(tokens.headers['access-control-allow-origin'], new URL(REDIRECT_URI).origin)
  t.equal(tokens.headers['cache-control'], 'no-store')
  t.notOk(tokens.headers['set-cookie'])
  const { access_token, refresh_token, scope } = tokens.json<OAuthTokenResponse>()
  t.equal(scope, 'odoo.read')
  t.match(accessClaims(access_token), {
    aud: API_AUDIENCE,
    client_id: 'other-app',
    sub: '6',
  })

  const next = await token(app, {
    grant_type: 'refresh_token',
    client_id: 'other-app',
    refresh_token,
  })
  t.equal(next.statusCode, 200, 'B7')
  const claims = [access_token, next.json<OAuthTokenResponse>().access_token].map(
    (value) => accessClaims(value).sid,
  )
  t.equal(claims[0], claims[1])
})

test('B2: a wrong password shows the form again, with what was typed but the password', async (t) => {
  const { app } = await startBridge(t)
  const response = await signIn(app, 'wr<ong')
  t.equal(response.statusCode, 401)
  t.match(response.body, /Wrong login or password/)
  t.match(response.body, /value="demo"/)
  t.notMatch(response.body, 'wr<ong')
})

test('B2: Odoo down is told to the person, in the form', async (t) => {
  const { app, odoo } = await startBridge(t)
  odoo.failWith = 502
  const response = await signIn(app)
  t.equal(response.statusCode, 503)
  t.ok(response.headers['retry-after'])
  t.match(response.body, /role="alert">Odoo does not answer/)
  t.match(response.headers['content-type'], 'text/html')
})

test('the form is taken from the same origin only', async (t) => {
  const { app, odoo } = await startBridge(t)
  for (const headers of [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://127.0.0.1:8090' },
  ]) {
    t.equal((await signIn(app, 'demo', headers)).statusCode, 403)
  }
  t.equal(odoo.calls.length, 0)
})

test('nobody is sent to an address that is not registered', async (t) => {
  const { app } = await startBridge(t)
  const untrusted = [
    { client_id: 'nobody' },
    { client_id: 'drawbridge-pwa' },
    { client_id: undefined },
    { redirect_uri: undefined },
    { redirect_uri: 'https://evil.example/' },
    { redirect_uri: `${REDIRECT_URI}/` },
    { redirect_uri: `${REDIRECT_URI}?x=1` },
    { redirect_uri: REDIRECT_URI.replace('8090', '8091') },
    { redirect_uri: `${REDIRECT_URI}@evil.example` },
  ]
  for (const change of untrusted) {
    const response = await app.inject({ url: authorizeUrl(change) })
    t.equal(response.statusCode, 400, JSON.stringify(change))
    t.notOk(response.headers.location)
  }
  const twice = await app.inject({ url: `${authorizeUrl()}&redirect_uri=https://evil.example` })
  t.equal(twice.statusCode, 400)
  const script = await app.inject({ url: authorizeUrl({ client_id: '<script>' }) })
  t.notMatch(script.body, '<script>')
})

test('the client is told what is wrong with its request', async (t) => {
  const { app } = await startBridge(t)
  const refused: [Record<string, string | undefined>, string][] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ scope: 'odoo.write' }, 'invalid_scope'],
    [{ resource: 'odoo:the-uuid' }, 'invalid_target'],
  ]
  for (const [change, code] of refused) {
    const response = await app.inject({ url: authorizeUrl(change) })
    t.equal(response.statusCode, 303, JSON.stringify(change))
    const { searchParams } = new URL(response.headers.location ?? '')
    t.equal(searchParams.get('error'), code)
    t.equal(searchParams.get('state'), 'the state')
    t.equal(searchParams.get('iss'), ISSUER)
  }
  const twice = await app.inject({ url: `${authorizeUrl()}&state=other` })
  t.equal(new URL(twice.headers.location ?? '').searchParams.get('error'), 'invalid_request')
})

test('a code is good once, for its client, its address and its verifier', async (t) => {
  const { app } = await startBridge(t)
  const code = await codeFor(app)
  const wrong = [
    { code_verifier: randomBytes(32).toString('base64url') },
    { code_verifier: 'short' },
    { redirect_uri: `${REDIRECT_URI}x` },
    { client_id: 'third-app' },
    { code: `${code}x` },
  ]
  for (const change of wrong) {
    const response = await token(app, { ...redemption(code), ...change })
    t.equal(errorOf(response), 'invalid_grant', JSON.stringify(change))
  }
  t.equal((await token(app, redemption(code))).statusCode, 200)
})

test('a code used twice ends the session that it began', async (t) => {
  const { app, odoo } = await startBridge(t)
  const code = await codeFor(app)
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => token(app, redemption(code))))
  const good = answers.filter(({ statusCode }) => statusCode === 200)
  t.equal(good.length, 1, 'one of five at the same time')
  const { refresh_token } = good[0]?.json<OAuthTokenResponse>() ?? { refresh_token: '' }
  const next = await token(app, {
    grant_type: 'refresh_token',
    client_id: 'other-app',
    refresh_token,
  })
  t.equal(errorOf(next), 'invalid_grant')
  t.equal(odoo.sessions.size, 0)
})

test('a refresh token is worth nothing where the other kind is asked for', async (t) => {
  const { app } = await startBridge(t)
  const fromCookie = refreshTokenOf(await login(app))
  const refusals = { 'other-app': 'invalid_grant', 'drawbridge-pwa': 'origin_refused' }
  for (const [client_id, refusal] of Object.entries(refusals)) {
    const body = { grant_type: 'refresh_token', client_id, refresh_token: fromCookie }
    t.equal(errorOf(await token(app, body)), refusal, client_id)
  }
  t.equal((await refresh(app, fromCookie)).statusCode, 200, 'and it lives on')

  const { refresh_token } = (
    await token(app, redemption(await codeFor(app)))
  ).json<OAuthTokenResponse>()
  t.equal((await refresh(app, refresh_token)).statusCode, 401, 'from the body, as a cookie')
  const stranger = { grant_type: 'refresh_token', client_id: 'third-app', refresh_token }
  t.equal(errorOf(await token(app, stranger)), 'invalid_grant', 'of another client')
})

test('the token endpoint refuses by the names of RFC 6749', async (t) => {
  const { app } = await startBridge(t)
  const refused: [Record<string, string>, string, number][] = [
    [{ grant_type: 'password', client_id: 'other-app' }, 'unsupported_grant_type', 400],
    [{ grant_type: 'constructor', client_id: 'other-app' }, 'unsupported_grant_type', 400],
    [{ grant_type: 'authorization_code', client_id: 'nobody' }, 'invalid_client', 401],
    [{ grant_type: 'authorization_code', client_id: 'other-app' }, 'invalid_request', 400],
    [{ grant_type: 'refresh_token', client_id: 'other-app' }, 'invalid_request', 400],
    [{ client_id: 'other-app' }, 'invalid_request', 400],
  ]
  for (const [body, code, status] of refused) {
    const response = await token(app, body)
    t.equal(errorOf(response), code, JSON.stringify(body))
    t.equal(response.statusCode, status)
  }
  const twice = await app.inject({
    method: 'POST',
    url: PATHS.token,
    headers: FORM,
    payload: 'grant_type=refresh_token&client_id=other-app&client_id=other-app&refresh_token=x',
  })
  t.equal(errorOf(twice), 'invalid_request')
})

test('discovery names what there is', async (t) => {
  const { app } = await startBridge(t)
  const metadata = await app.inject({ url: PATHS.authorizationServerMetadata })
  t.match(metadata.json(), { issuer: ISSUER, code_challenge_methods_supported: ['S256'] })
  t.equal(metadata.headers['access-control-allow-origin'], '*')
  const resource = await app.inject({ url: PATHS.protectedResourceMetadata })
  t.match(resource.json(), { resource: API_AUDIENCE, authorization_servers: [ISSUER] })
  const jwks = await app.inject({ url: PATHS.jwks })
  t.match(jwks.headers['cache-control'], /max-age=300/)
  const { keys } = jwks.json<{ keys: Record<string, string>[] }>()
  t.same(Object.keys(keys[0] ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})
