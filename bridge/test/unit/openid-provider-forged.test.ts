/** Answers of a provider that must not be believed, or not be waited for. */
import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { test, type Test } from 'tap'
import type { ErrorCode } from '../../src/contract/index.ts'
import { ERRORS } from '../../src/contract/index.ts'
import { amrOf, authTimeOf, isSubject } from '../../src/providers/claims.ts'
import { upstreamFetch } from '../../src/providers/upstream-fetch.ts'
import { bySecret, byKey, change, forgeIdToken } from '../forged-provider.ts'
import { cookieOf } from '../helper.ts'
import {
  ADA,
  begin,
  BY_EMAIL,
  BY_UID,
  signInThrough,
  startUpstream,
  startWithProviders,
  type Settings,
} from '../openid-sign-in.ts'

const DISCOVERY = '/.well-known/openid-configuration'

async function start(t: Test, settings: Settings = BY_UID) {
  const upstream = await startUpstream(t)
  const { app, addon } = await startWithProviders(t, { example: [upstream, settings] })
  const refused = async (what: string, code: ErrorCode): Promise<void> => {
    const back = await signInThrough(app)
    t.equal(back.statusCode, ERRORS[code].status, what)
    t.match(back.body, ERRORS[code].description, what)
    t.equal(cookieOf(back), undefined, what)
    t.notOk(addon.calls.includes('lookup'), 'Odoo is not even asked')
  }
  return { app, addon, upstream, refused }
}

test('a forged ID token is changed and signed again as the test means it', async (t) => {
  const { app, upstream } = await start(t)
  forgeIdToken(upstream, {})
  t.equal((await signInThrough(app)).statusCode, 303)
})

test('an ID token is of this issuer, for this client and attempt, and of now', async (t) => {
  const { upstream, refused } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  for (const [what, claims] of Object.entries({
    'another nonce': { nonce: 'x'.repeat(43) },
    'no nonce': { nonce: undefined },
    'another issuer': { iss: 'https://evil.example' },
    'no issuer': { iss: undefined },
    'another audience': { aud: 'another-client' },
    'several audiences, made for another': { aud: ['drawbridge', 'other'], azp: 'other' },
    'no audience': { aud: undefined },
    expired: { exp: now - 60, iat: now - 120 },
    'no expiry': { exp: undefined },
    'not yet': { nbf: now + 600 },
    'no sub': { sub: undefined },
    'an empty sub': { sub: '' },
    'a sub that is a number': { sub: 1 },
    'a sub with a line': { sub: 'Ada-1\n' },
    'a sub too long': { sub: 'a'.repeat(256) },
  })) {
    forgeIdToken(upstream, claims)
    await refused(what, 'sign_in_refused')
  }
})

test('an ID token is signed by a published key of the provider', async (t) => {
  const { upstream, refused } = await start(t)
  const good = byKey(upstream)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = byKey({ ...upstream, key: privateKey.export({ format: 'jwk' }) })
  const publicKey = createPublicKey({ key: { ...upstream.key } as JsonWebKey, format: 'jwk' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  for (const [what, header, signing] of [
    ['a key of somebody else', {}, stranger],
    ['no signature', {}, () => ''],
    ['a signature of something else', {}, () => good('else')],
    ['alg none', { alg: 'none' }, () => ''],
    ['alg None', { alg: 'None' }, () => ''],
    ['no alg', { alg: undefined }, good],
    ['the client secret', { alg: 'HS256' }, bySecret(upstream.clientSecret)],
    ['a public key for a secret', { alg: 'HS256' }, bySecret(pem)],
    ['another kid', { kid: 'another' }, good],
    ['a key that it brings along', { jwk: upstream.key, kid: undefined }, stranger],
    ['something critical', { crit: ['x'], x: 1 }, good],
  ] as const) {
    forgeIdToken(upstream, {}, header, signing)
    await refused(what, 'sign_in_refused')
  }
})

test('nor does metadata that allows it make a weak signature good', async (t) => {
  const { upstream, refused } = await start(t)
  const algorithms = ['none', 'HS256', 'RS256']
  change(upstream, DISCOVERY, { id_token_signing_alg_values_supported: algorithms })
  forgeIdToken(upstream, {}, { alg: 'none' }, () => '')
  await refused('none', 'sign_in_refused')
  forgeIdToken(upstream, {}, { alg: 'HS256' }, bySecret(upstream.clientSecret))
  await refused('HS256', 'sign_in_refused')
})

test('an answer without an ID token is none', async (t) => {
  const { upstream, refused } = await start(t)
  change(upstream, '/token', { id_token: undefined })
  await refused('no ID token', 'sign_in_refused')
})

test('userinfo is of the person that the ID token names', async (t) => {
  const { upstream, refused } = await start(t, BY_EMAIL)
  change(upstream, '/me', { sub: 'somebody-else' })
  await refused('another sub', 'sign_in_refused')
  change(upstream, '/me', { sub: undefined })
  await refused('no sub', 'sign_in_refused')
})

test('an e-mail and its verification come from one place', async (t) => {
  const { upstream, refused } = await start(t, BY_EMAIL)
  // Unverified in the ID token, verified in userinfo: another address may be meant there.
  forgeIdToken(upstream, { email: ADA.email })
  await refused('email_verified from elsewhere', 'unknown_user')
})

test('metadata is of the configured issuer, letter by letter, and leads to safe places', async (t) => {
  const upstream = await startUpstream(t)
  for (const [what, members] of Object.entries({
    'another issuer': { issuer: 'https://evil.example' },
    'the same with a slash': { issuer: `${upstream.issuer}/` },
    'no issuer': { issuer: undefined },
    'a script': { authorization_endpoint: 'javascript:alert(1)' },
    'plain http elsewhere': { authorization_endpoint: 'http://evil.example/auth' },
    nowhere: { authorization_endpoint: undefined },
  })) {
    const { app } = await startWithProviders(t, { example: [upstream, BY_UID] })
    change(upstream, DISCOVERY, members)
    const begun = await begin(app)
    t.equal(begun.statusCode, 503, what)
    t.equal(begun.headers.location, undefined, what)
  }
})

test('no provider makes the bridge ask around in its own network', async (t) => {
  for (const [member, address] of [
    ['token_endpoint', 'http://127.0.0.2:1/token'],
    ['token_endpoint', 'https://127.0.0.2:1/token'],
    ['token_endpoint', 'https://169.254.169.254/latest'],
    ['token_endpoint', 'https://[::ffff:10.0.0.1]/'],
    ['token_endpoint', 'https://localhost:1/token'],
    ['jwks_uri', 'file:///etc/passwd'],
  ] as const) {
    const { upstream, refused } = await start(t)
    change(upstream, DISCOVERY, { [member]: address })
    await refused(`${member} ${address}`, 'provider_unavailable')
  }
  const upstreamOfIssuer = upstreamFetch(new URL('https://id.example.com'))
  t.teardown(() => upstreamOfIssuer.close())
  const options = {
    body: undefined,
    headers: {},
    method: 'GET' as const,
    redirect: 'manual' as const,
  }
  for (const [address, words] of [
    ['https://localhost:1/', /no public address/],
    ['https://127.0.0.1:1/', /no public address/],
    ['https://[::1]:1/', /no public address/],
    ['https://0x7f000001/', /no public address/],
    ['http://id.example.com/', /not https/],
  ] as const) {
    await t.rejects(upstreamOfIssuer.fetch(address, options), { message: words }, address)
  }
})

test('a redirect is no answer', async (t) => {
  const { upstream, refused } = await start(t)
  upstream.instead.set('/token', (_request, response) => {
    response.writeHead(307, { location: `${upstream.issuer}/elsewhere` }).end()
  })
  await refused('a redirect', 'provider_unavailable')
  t.notOk(upstream.asked.includes('/elsewhere'))
})

test('an answer without end is not read, and one that does not come not waited for', async (t) => {
  const { upstream, refused } = await start(t)
  const ended: Promise<unknown>[] = []
  let written = 0
  upstream.instead.set('/token', (_request, response) => {
    ended.push(new Promise((resolve) => response.on('close', resolve)))
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = 'x'.repeat(65_536)
    const more = () => {
      let isRoom = true
      while (isRoom && !response.destroyed) {
        isRoom = response.write(chunk)
        written += chunk.length
      }
      response.once('drain', more)
    }
    more()
  })
  await refused('an endless answer', 'provider_unavailable')
  await Promise.all(ended)
  // The sockets' own buffers have room for some.
  t.ok(written < 32 * 1024 * 1024, `${written} bytes`)
  upstream.instead.set('/token', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  })
  const since = performance.now()
  await refused('half an answer', 'provider_unavailable')
  t.ok(performance.now() - since < 9000, 'five seconds, and what a busy machine adds')
  t.equal(ended.length, 1, 'and nothing is asked twice')
})

test('what is no JSON is no answer', async (t) => {
  const { upstream, refused } = await start(t)
  for (const body of ['', 'no', '[]', 'null']) {
    upstream.tamper.set('/token', () => body)
    const code = body === '[]' || body === 'null' ? 'sign_in_refused' : 'provider_unavailable'
    await refused(JSON.stringify(body), code)
  }
})

test('what a provider says of how and when is bounded', (t) => {
  t.same(amrOf({ amr: ['pwd', 1, null, 'mfa', 'a b', '', 'x'.repeat(33), 'a"b'] }), ['pwd', 'mfa'])
  t.equal(amrOf({ amr: Array.from({ length: 1000 }, (_, index) => `a${index}`) }).length, 8)
  for (const amr of [undefined, 'pwd', { 0: 'pwd' }, null]) t.same(amrOf({ amr }), [])
  const now = Math.floor(Date.now() / 1000)
  t.equal(authTimeOf({ auth_time: now - 60 }), (now - 60) * 1000)
  t.ok((authTimeOf({ auth_time: now + 2 }) ?? Infinity) <= Date.now(), 'a clock that is ahead')
  for (const auth_time of [undefined, null, '1', NaN, Infinity, -1, 0, now + 600]) {
    t.equal(authTimeOf({ auth_time }), null)
  }
  t.ok(isSubject('a'.repeat(255)))
  t.notOk(isSubject('ä'))
  t.end()
})
