import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import * as oauth from 'oauth4webapi'
import { expect, test } from 'playwright/test'
import {
  apiAudience,
  PATHS,
  type ErrorResponse,
  type ProtectedData,
} from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import {
  bearer,
  postAuth,
  signIn,
  untilExpired,
  untilRefused,
  withClaims,
} from './support/tokens.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const explicit = api.replace('/api/', '/api/explicit/')
const { demo, portal } = stack.accounts

const get = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, redirect: 'manual' })

test('A5–A7: a valid token gets the data that its user may see', async () => {
  const [internal, outside] = await Promise.all([signIn(demo), signIn(portal)])
  const read = async (token: string) => {
    const response = await get(api, bearer(token))
    expect(response.status).toBe(200)
    return (await response.json()) as ProtectedData
  }
  const [mine, theirs] = await Promise.all([read(internal.accessToken), read(outside.accessToken)])
  expect(mine.user.login).toBe(demo.login)
  expect(theirs.user.login).toBe(portal.login)
  expect(mine.total).toBeGreaterThan(theirs.total)
})

test('A8: no token, and every wrong one: 401 with the right challenge, never a redirect', async () => {
  const { accessToken, cookie } = await signIn(demo)
  const [header = '', payload = '', signature = ''] = accessToken.split('.')
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const wrong: Record<string, string> = {
    'another user': withClaims(accessToken, { sub: '2' }),
    'a longer life': withClaims(accessToken, { exp: 4_102_444_800 }),
    unsigned: `${unsigned}.${payload}.`,
    'cut off': `${header}.${payload}.${signature.slice(0, -4)}`,
    'a refresh token': cookie.split('=')[1] ?? '',
    garbage: 'x',
  }
  const absent = await get(api)
  expect(absent.status).toBe(401)
  const challenge = absent.headers.get('www-authenticate')
  expect(challenge).toMatch(/^Bearer realm="[^"]+"/)
  expect(challenge).not.toContain('error=')
  for (const url of [api, explicit]) {
    for (const [what, token] of Object.entries(wrong)) {
      const response = await get(url, bearer(token))
      expect(response.status, what).toBe(401)
      expect(response.headers.get('www-authenticate'), what).toMatch(/error="invalid_token"/)
    }
  }
})

test('B1: a client that knows nothing but the API finds the bridge by itself', async () => {
  // The library marks this as deprecated so that it stands out: it is for plain http on loopback.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const insecure = { [oauth.allowInsecureRequests]: true }
  const refused = await get(api, { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' })
  expect(refused.status, 'a page, but of a location without sign_in').toBe(401)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  const address = /resource_metadata="([^"]+)"/.exec(challenge)?.[1]

  // It looks where RFC 9728 §3.1 puts the document of this resource, and wants it to say so.
  const resource = new URL(apiAudience(stack.issuer))
  const published = await oauth.resourceDiscoveryRequest(resource, insecure)
  expect(published.url).toBe(address)
  const { authorization_servers: servers = [] } = await oauth.processResourceDiscoveryResponse(
    resource,
    published,
  )
  expect(servers).toEqual([stack.issuer])
  const issuer = new URL(stack.issuer)
  const metadata = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  expect((await oauth.processDiscoveryResponse(issuer, metadata)).token_endpoint).toBe(
    stack.issuer + PATHS.token,
  )
})

test('A6.1, A8.1: expired is said so, by the gate itself and by the bridge', async () => {
  const { accessToken } = await signIn(demo)
  for (const url of [api, explicit]) {
    await untilExpired(url, accessToken)
    const response = await get(url, bearer(accessToken))
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(
      /error="invalid_token", error_description="[^"]*expired/,
    )
  }
})

test('A6: explicit validation knows an ended session at once', async () => {
  const { accessToken, cookie } = await signIn(demo)
  expect((await get(explicit, bearer(accessToken))).status).toBe(200)
  expect((await postAuth(PATHS.logout, {}, cookie)).status).toBe(204)
  expect((await get(explicit, bearer(accessToken))).status).toBe(401)
})

test('what only the gate may say cannot be said by a client', async () => {
  const { accessToken } = await signIn(portal)
  for (const name of ['Drawbridge-Sub', 'drawbridge-sid', 'Drawbridge-Gate-Credential']) {
    const response = await get(api, { ...bearer(accessToken), [name]: '2' })
    expect(response.status, name).toBe(400)
  }
  const body = { token: accessToken, audience: `${stack.issuer}/api` }
  expect((await postAuth(PATHS.validate, body)).status, 'not from outside').toBe(404)
})

test('the bridge itself refuses whoever goes around the gate', async () => {
  const { accessToken } = await signIn(demo)
  const response = await get(stack.inside.bridgeUrl + PATHS.protectedData, {
    ...bearer(accessToken),
    'Drawbridge-Sub': '2',
    'Drawbridge-Sid': 'x',
    'Drawbridge-Scope': 'odoo.read',
  })
  expect(response.status).toBe(401)
  expect(((await response.json()) as ErrorResponse).error).toBe('invalid_gate_credential')
})

test('A12: the gate itself refuses an ended session, before its token expires', async () => {
  const { accessToken, cookie } = await signIn(demo)
  const other = await signIn(demo)
  expect((await get(api, bearer(accessToken))).status).toBe(200)
  expect((await postAuth(PATHS.logout, {}, cookie)).status).toBe(204)
  // A second between two readings of the list, and one for a machine that is busy.
  expect(await untilRefused(accessToken)).toBeLessThan(2000)
  expect((await get(api, bearer(other.accessToken))).status, 'of this session alone').toBe(200)
})

/** Sends a path as it is: fetch would put it in order first. */
async function statusOf(path: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port } = new URL(stack.issuer)
  const outgoing = httpRequest({ hostname, port, path, headers, agent: false })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  incoming.resume()
  return incoming.statusCode ?? 0
}

test('no spelling of a path leads around the gate', async () => {
  const open = ['/auth', '/oauth', '/.well-known', '/assets']
  const closed = [
    '/api/protected/data',
    '/metrics',
    '/readyz',
    '/gate/revocations',
    '/auth/validate',
  ]
  const ways = [
    '/..',
    '/../',
    '/%2e%2e',
    '/%2E%2E/',
    '/.%2e',
    '/..%2f',
    '/%2e%2e%2f',
    '/%252e%252e',
    '/..;',
    '/..\\',
    '/..%5c',
    '//..',
    '/./..',
    '/x/../..',
    '/%00/..',
  ]
  for (const start of open) {
    for (const way of ways) {
      for (const end of closed) {
        const path = start + way + end
        // What is neither the API nor the bridge's own is the PWA's, which has nothing there.
        expect([400, 401, 404], path).toContain(await statusOf(path))
      }
    }
  }
  for (const path of closed) {
    for (const spelling of [
      path.toUpperCase(),
      `/${path}`,
      `${path}/`,
      `${path}%00`,
      `${path};x`,
    ]) {
      expect([400, 401, 404], spelling).toContain(await statusOf(spelling))
    }
  }
})
