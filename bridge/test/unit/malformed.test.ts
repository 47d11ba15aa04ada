import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { test } from 'tap'
import { ERRORS, GATE_HEADERS, PATHS, type ErrorResponse } from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  API_AUDIENCE,
  COOKIE,
  gateHeaders,
  GATE_CREDENTIAL,
  login,
  REDIRECT_URI,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'
import { malformed, type Endpoint, type Malformed } from '../malformed-requests.ts'
import { sendRaw, type RawAnswer } from '../raw-request.ts'

/** The same requests in every run; another seed gives others. */
const SEED = 20_260_101
const REQUESTS_PER_ENDPOINT = 200

/** @returns what is wrong with the answer, if anything is */
const problemOf = (request: Malformed, answer: RawAnswer): string | undefined => {
  const { status, headers, body } = answer
  if (status === 0) return request.incomplete ? undefined : 'no answer'
  if (status >= 500) return `status ${status}`
  if (status < 400) {
    if (request.harmless) return undefined
    // What is wrong with an authorization request is told to the client, in its address.
    const location = headers.get('location')
    if (status === 303 && location && new URL(location).searchParams.has('error')) return undefined
    if (status === 200 && body.includes('{"status":"Invalid"}')) return undefined
    return `status ${status}`
  }
  const text = /\{.*\}/s.exec(body)?.[0] ?? ''
  if (headers.get('content-type')?.startsWith('text/html')) return undefined
  try {
    const { error, error_description } = JSON.parse(text) as ErrorResponse
    if (!Object.hasOwn(ERRORS, error)) return `code ${error}`
    return error_description === ERRORS[error].description ? undefined : 'a text of its own'
  } catch {
    return `a body of another shape: ${text.slice(0, 200)}`
  }
}

test('malformed requests are refused, never a fault, and leave nothing behind', async (t) => {
  const { app, files } = await startBridge(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const signedIn = await login(app)
  const accessToken = accessTokenOf(signedIn)
  const claims = accessClaims(accessToken)

  const bearer = { name: 'authorization', prefix: 'Bearer ' }
  const cookie = { name: 'cookie', prefix: `${COOKIE}=` }
  const refreshCookie = { ...SAME_ORIGIN, cookie: `${COOKIE}=${refreshTokenOf(signedIn)}` }
  const authorization = `Bearer ${accessToken}`
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    code_challenge: 'x'.repeat(42),
    code_challenge_method: 'S256',
  })
  const authorize = `${PATHS.authorize}?${parameters.toString()}`
  const empty = { type: 'json', value: {} } as const
  const credentials = { login: 'nobody', password: 'wrong' }

  const endpoints: Endpoint[] = [
    {
      method: 'POST',
      path: PATHS.login,
      headers: SAME_ORIGIN,
      body: { type: 'json', value: credentials },
      untouched: 'refused',
    },
    {
      method: 'POST',
      path: PATHS.refresh,
      headers: refreshCookie,
      body: empty,
      proof: cookie,
      untouched: 'changes a session',
    },
    {
      method: 'POST',
      path: PATHS.logout,
      headers: refreshCookie,
      body: empty,
      untouched: 'changes a session',
    },
    {
      method: 'GET',
      path: PATHS.sessions,
      headers: { authorization },
      proof: bearer,
      untouched: 'answered',
    },
    {
      method: 'DELETE',
      path: PATHS.sessions,
      headers: { authorization: 'x' },
      proof: bearer,
      untouched: 'refused',
    },
    {
      method: 'DELETE',
      path: `${PATHS.sessions}/%00%ff`,
      headers: { authorization },
      proof: bearer,
      untouched: 'refused',
    },
    {
      method: 'POST',
      path: PATHS.validate,
      headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
      body: { type: 'json', value: { token: 'x', audience: API_AUDIENCE } },
      proof: bearer,
      untouched: 'answered',
    },
    {
      method: 'GET',
      path: `${PATHS.revocations}?epochs=x&after=x`,
      headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
      proof: bearer,
      untouched: 'answered',
    },
    { method: 'GET', path: authorize, headers: {}, untouched: 'refused' },
    {
      method: 'POST',
      path: authorize,
      headers: SAME_ORIGIN,
      body: { type: 'form', value: credentials },
      untouched: 'refused',
    },
    {
      method: 'POST',
      path: PATHS.token,
      headers: {},
      body: {
        type: 'form',
        value: {
          grant_type: 'authorization_code',
          client_id: 'other-app',
          redirect_uri: REDIRECT_URI,
          code: 'x',
          code_verifier: 'x'.repeat(43),
        },
      },
      untouched: 'refused',
    },
    {
      method: 'GET',
      path: PATHS.protectedData,
      headers: { ...gateHeaders(claims), [GATE_HEADERS.credential]: GATE_CREDENTIAL },
      proof: { name: GATE_HEADERS.credential, prefix: '' },
      untouched: 'answered',
    },
    {
      method: 'GET',
      path: PATHS.protectedData,
      headers: { ...gateHeaders({ ...claims, sub: '1e999' }) },
      proof: { name: GATE_HEADERS.sub, prefix: '' },
      untouched: 'refused',
    },
    { method: 'GET', path: PATHS.jwks, headers: {}, untouched: 'answered' },
    { method: 'GET', path: PATHS.authorizationServerMetadata, headers: {}, untouched: 'answered' },
    { method: 'GET', path: PATHS.protectedResourceMetadata, headers: {}, untouched: 'answered' },
    { method: 'GET', path: '/healthz', headers: {}, untouched: 'answered' },
    { method: 'GET', path: '/readyz', headers: {}, untouched: 'answered' },
    { method: 'GET', path: '/metrics', headers: {}, untouched: 'answered' },
  ]

  const database = new DatabaseSync(files.sqlite)
  t.teardown(() => {
    database.close()
  })
  const rows = () =>
    ['sessions', 'authorization_codes', 'user_cutoffs'].map((table) =>
      database.prepare(`SELECT * FROM ${table}`).all(),
    )
  const before = rows()

  for (const endpoint of endpoints) {
    const { method, path } = endpoint
    const seen = new Map<number, number>()
    const result = await fc.check(
      fc.asyncProperty(malformed(endpoint), async (request) => {
        const answer = await sendRaw(port, request)
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
        const problem = problemOf(request, answer)
        if (problem !== undefined) throw new Error(`${request.what}: ${problem}`)
      }),
      { seed: SEED, numRuns: REQUESTS_PER_ENDPOINT, endOnFailure: true },
    )
    const name = `${method} ${path.split('?')[0] ?? ''}`
    t.notOk(
      result.failed,
      `${name} ${JSON.stringify([...seen])} ${fc.defaultReportMessage(result)?.slice(0, 1500) ?? ''}`,
    )
    t.same(rows(), before, `${name}: no row was made or changed`)
  }
  t.equal((await login(app)).statusCode, 200, 'and the bridge goes on')
})
