/** ID tokens in the algorithm of each client. @see OpenID Connect Core 1.0 §3.1.3.7, §15.1 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { test, type Test } from 'tap'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { fileKeys } from '../../src/keys/file.ts'
import { KeysUnavailable, type PublicJwk, type Signer } from '../../src/keys/port.ts'
import { signingKey } from '../../src/keys/signing-key.ts'
import { createClientSigner } from '../../src/tokens/client-signer.ts'
import type { Client } from '../../src/tokens/clients.ts'
import { answerOf, DEMO, openBrowser, requestUrl } from '../app.ts'
import { accessClaims, API_AUDIENCE, ISSUER, login, startBridge, validate } from '../helper.ts'
import { newRsaPem, withIdTokenKey } from '../id-token-key.ts'
import { headerOf, isSignedBy } from '../jws.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import {
  basic,
  client,
  confidential,
  folderOf,
  post,
  redemptionFor,
  registering,
  SECRET,
} from '../registered-clients.ts'

const RSA_PEM = newRsaPem()

const CLIENTS = [
  client({ client_id: 'rs-app', id_token_signed_response_alg: 'RS256' }),
  client({ client_id: 'es-app', id_token_signed_response_alg: 'ES256' }),
  client({ client_id: 'an-app' }),
]

const startWithBoth = (t: Test, settings: Record<string, string> = {}) =>
  startBridge(t, {
    ...withIdTokenKey(t, RSA_PEM),
    ...registering(t, ...CLIENTS, confidential()),
    ...settings,
  })

const jwksOf = async (app: FastifyInstance) =>
  (await app.inject({ url: PATHS.jwks })).json<{ keys: PublicJwk[] }>()

const metadataOf = async (app: FastifyInstance) =>
  (await app.inject({ url: PATHS.openidConfiguration })).json<Record<string, string[]>>()

/** Tokens of somebody who signs in to a client for `openid`. */
async function signedIn(app: FastifyInstance, client_id: string): Promise<OAuthTokenResponse> {
  const scope = 'openid odoo.read'
  const answer = await post(app, PATHS.token, await redemptionFor(app, client_id, { scope }))
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json()
}

test('each client gets its algorithm, at the sign-in and at each refresh; jose agrees', async (t) => {
  const { app } = await startWithBoth(t)
  const published = createLocalJWKSet(await jwksOf(app))
  for (const [audience, alg] of [
    ['rs-app', 'RS256'],
    ['es-app', 'ES256'],
    ['an-app', 'ES256'],
  ] as const) {
    const first = await signedIn(app, audience)
    const { refresh_token } = first
    const next = (
      await post(app, PATHS.token, {
        grant_type: 'refresh_token',
        client_id: audience,
        refresh_token,
      })
    ).json<OAuthTokenResponse>()
    for (const { id_token = '', access_token } of [first, next]) {
      const expected = { algorithms: [alg], issuer: ISSUER, audience, typ: 'JWT' }
      const { payload, protectedHeader } = await jwtVerify(id_token, published, expected)
      t.equal(protectedHeader.alg, alg)
      const half = createHash('sha256').update(access_token).digest().subarray(0, 16)
      t.equal(payload['at_hash'], half.toString('base64url'))
      t.equal(payload['sid'], accessClaims(access_token).sid)
      t.equal(headerOf(access_token).alg, 'ES256', 'access tokens are signed as ever')
    }
  }
})

test('metadata and JWKS name both; the second key says what it is for', async (t) => {
  const { app } = await startWithBoth(t)
  t.same((await metadataOf(app))['id_token_signing_alg_values_supported'], ['ES256', 'RS256'])
  const { keys } = await jwksOf(app)
  const [main, second, ...others] = keys
  t.same(others, [])
  t.match(main, { kty: 'EC', alg: 'ES256', use: 'sig' })
  t.notOk(main && 'drawbridge_signs' in main, 'nothing changed for the key that was there')
  t.match(second, {
    ...{ kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB' },
    ...{ kid: signingKey(RSA_PEM, 0).jwk.kid, drawbridge_signs: 'id_token' },
  })
  t.notOk(second && 'd' in second)
})

test('without the key nothing is offered', async (t) => {
  const { app } = await startBridge(t)
  t.same((await metadataOf(app))['id_token_signing_alg_values_supported'], ['ES256'])
  t.equal((await jwksOf(app)).keys.length, 1)
})

test('an ID token opens nothing, and what a thief of its key signs does not either', async (t) => {
  const { app } = await startWithBoth(t)
  const { id_token = '', access_token } = await signedIn(app, 'rs-app')
  const stolen = signingKey(RSA_PEM, 0)
  const claims = { ...accessClaims(access_token), aud: [API_AUDIENCE, ISSUER] }
  const forged = await stolen.sign('at+jwt', claims)
  const [jwk] = (await jwksOf(app)).keys.filter(({ alg }) => alg === 'RS256')
  t.ok(jwk && isSignedBy(forged, jwk), 'it is signed by a published key')
  const userinfo = (token: string) =>
    app.inject({ url: PATHS.userinfo, headers: { authorization: `Bearer ${token}` } })
  const introspected = (token: string) =>
    post(app, PATHS.introspect, { token }, basic('a-server', SECRET))

  t.match((await validate(app, access_token)).json(), { status: 'Valid' })
  t.equal((await userinfo(access_token)).statusCode, 200)
  for (const [what, token] of Object.entries({
    'an ID token': id_token,
    'an ID token that claims to be for the API': await stolen.sign('JWT', claims),
    'an access token by the key for ID tokens': forged,
  })) {
    t.same((await validate(app, token)).json(), { status: 'Invalid' }, what)
    t.equal((await userinfo(token)).statusCode, 401, what)
    t.same((await introspected(token)).json(), { active: false }, what)
  }
})

test('an ID token of either algorithm is a hint, until its key is gone', async (t) => {
  const keys = { KEY_FILE: join(folderOf(t), 'keys.json') }
  const settings = { ...keys, ...registering(t, ...CLIENTS) }
  const { app } = await startPairedBridge(t, { ...settings, ...withIdTokenKey(t, RSA_PEM) })
  const isTaken = async (bridge: FastifyInstance, id_token_hint = '') => {
    const browser = openBrowser(bridge)
    const request = { client_id: 'an-app', prompt: 'none', id_token_hint }
    t.ok(answerOf(await browser.send(requestUrl({ client_id: 'an-app' }), DEMO)).has('code'))
    return answerOf(await browser.open(requestUrl(request))).has('code')
  }
  const { id_token: byRsa = '' } = await signedIn(app, 'rs-app')
  const { id_token: byEc = '' } = await signedIn(app, 'es-app')
  for (const hint of [byRsa, byEc]) {
    t.ok(await isTaken(app, hint))
    t.notOk(await isTaken(app, `${hint.slice(0, hint.lastIndexOf('.'))}.AAAA`))
  }
  const later = await startPairedBridge(t, { ...settings, ...withIdTokenKey(t, newRsaPem()) })
  t.notOk(await isTaken(later.app, byRsa))
  t.ok(await isTaken(later.app, byEc))
})

test('figures tell the two keys apart', async (t) => {
  const { app } = await startWithBoth(t)
  const count = async (key: string) => {
    const { body } = await app.inject({ url: '/metrics' })
    const name = `drawbridge_signing_duration_seconds_count{key="${key}"}`
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? 0)
  }
  await login(app)
  t.same([await count('signing'), await count('id_token')], [1, 0])
  await signedIn(app, 'rs-app')
  t.same([await count('signing'), await count('id_token')], [2, 1])
})

/** A key that can be broken. */
function breakable(pem: string) {
  const key = signingKey(pem, 0)
  const state = { broken: false }
  const unlessBroken = <T>(work: () => Promise<T>): Promise<T> =>
    state.broken ? Promise.reject(new KeysUnavailable('broken')) : work()
  const signer: Signer = {
    sign: (typ, payload) => unlessBroken(() => key.sign(typ, payload)),
    ready: () => unlessBroken(() => Promise.resolve()),
    publicJwks: () => unlessBroken(() => Promise.resolve([key.jwk])),
  }
  return { signer, state }
}

const registered = new Map(
  [...CLIENTS].map((entry) => [entry.client_id, entry as unknown as Client]),
)

test('a broken key for ID tokens is the loss of those alone who use it', async (t) => {
  const { files } = await startBridge(t)
  const { signer } = fileKeys(files.keys)
  const second = breakable(RSA_PEM)
  const clientSigner = createClientSigner({ signer, idTokenSigner: second.signer }, registered)
  t.equal((await clientSigner.publicJwks()).length, 2)
  second.state.broken = true
  for (const id of ['an-app', 'es-app', 'who is not registered']) {
    await t.resolves(clientSigner.ready(id), id)
    t.equal(headerOf(await clientSigner.sign(id, 'JWT', {})).alg, 'ES256')
  }
  await t.rejects(clientSigner.ready('rs-app'), KeysUnavailable)
  await t.rejects(clientSigner.sign('rs-app', 'JWT', {}), KeysUnavailable)
  t.match(await clientSigner.publicJwks(), [{ alg: 'ES256' }])
  second.state.broken = false
  t.equal(headerOf(await clientSigner.sign('rs-app', 'JWT', {})).alg, 'RS256')
})

test('no client is ever given another algorithm than its own', async (t) => {
  const rsa = breakable(RSA_PEM).signer
  const alone = createClientSigner({ signer: rsa, idTokenSigner: undefined }, registered)
  t.equal(headerOf(await alone.sign('an-app', 'JWT', {})).alg, 'RS256', 'as the main key is')
  t.equal(headerOf(await alone.sign('rs-app', 'JWT', {})).alg, 'RS256')
  await t.rejects(alone.ready('es-app'), /es-app is registered for ES256/)
  await t.rejects(alone.sign('es-app', 'JWT', {}), KeysUnavailable)
})
