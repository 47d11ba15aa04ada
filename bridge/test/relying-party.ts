/**
 * A relying party that believes nothing: it checks each answer as the conformance suite of the
 * OpenID Foundation does in every module, and throws on the first that is not as it should be.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import type { Test } from 'tap'
import type { ClientEntry } from '../src/clients/schema.ts'
import { PATHS, type IdTokenClaims, type OAuthTokenResponse } from '../src/contract/index.ts'
import { DEMO, fieldOf, openBrowser, type Change } from './app.ts'
import { newRsaPem, withIdTokenKey } from './id-token-key.ts'
import { startPairedBridge } from './paired-bridge.ts'
import { basic, confidential, post, registering, SECRET } from './registered-clients.ts'

/** Certification wants https, and so has the bridge that is certified. */
export const ISSUER = 'https://id.example.com'
const CALLBACK = 'https://app.example/callback'
export const AFTERWARDS = 'https://app.example/post_logout_redirect'

export type Browser = ReturnType<typeof openBrowser>

/** What the app asked for, and what it remembers to compare with. */
export interface Asked {
  url: string
  parameters: Record<string, string>
}

/** How somebody came back: the parameters, and the pages that they met on the way. */
export interface Returned {
  parameters: URLSearchParams
  met: ('sign-in' | 'consent')[]
}

/** It takes a moment to make, so one serves all tests of a file. */
const ID_TOKEN_KEY = newRsaPem()

/** What the suite takes for granted in an ID token; more than that the app would have to ask for. */
const ID_TOKEN_CLAIMS = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'auth_time',
  'nonce',
  'acr',
  'amr',
  'azp',
  'at_hash',
  'nbf',
  'jti',
  'sid',
]

/** @see RFC 6749 appendix A.7, A.8 */
const ERROR_TEXT = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/

const seconds = (): number => Math.floor(Date.now() / 1000)

/** @see RFC 6749 §5.2: which also says how an error may be spelt */
export function assertTokenError(answer: LightMyRequestResponse, error: string): void {
  assert.equal(answer.statusCode, error === 'invalid_client' ? 401 : 400)
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  const body = answer.json<{ error: string; error_description: string }>()
  assert.equal(body.error, error)
  assert.match(body.error_description, ERROR_TEXT)
  assert.deepEqual(Object.keys(body).sort(), ['error', 'error_description'])
}

/** A bridge as it would be certified, its metadata read, with apps that show a secret. */
export async function startRelyingParty(t: Test, change: Partial<ClientEntry> = {}) {
  const registration: Partial<ClientEntry> = {
    first_party: false,
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [AFTERWARDS],
    require_pkce: false,
    scope: 'odoo.read',
    resources: [`${ISSUER}/api`],
    id_token_signed_response_alg: 'RS256',
    ...change,
  }
  const clients = [
    confidential(registration),
    confidential({ ...registration, client_id: 'another-server' }),
    confidential({
      ...registration,
      client_id: 'posting-server',
      token_endpoint_auth_method: 'client_secret_post',
    }),
  ]
  const { app, addon } = await startPairedBridge(t, {
    ISSUER,
    ...withIdTokenKey(t, ID_TOKEN_KEY),
    ...registering(t, ...clients),
  })
  const metadata = (await app.inject({ url: PATHS.openidConfiguration })).json<
    Record<string, unknown> & { id_token_signing_alg_values_supported: string[] }
  >()
  const path = (member: string): string => String(metadata[member]).replace(ISSUER, '')

  const ask = (change: Change = {}): Asked => {
    const parameters: Record<string, string> = {}
    const wanted: Change = {
      response_type: 'code',
      client_id: 'a-server',
      redirect_uri: CALLBACK,
      scope: 'openid',
      state: randomBytes(8).toString('base64url'),
      nonce: randomBytes(8).toString('base64url'),
      ...change,
    }
    for (const [name, value] of Object.entries(wanted)) {
      if (value !== undefined) parameters[name] = value
    }
    const query = new URLSearchParams(parameters).toString()
    return { url: `${path('authorization_endpoint')}?${query}`, parameters }
  }

  /** Nothing comes back that was not asked for, and it says who answers. @see RFC 9207 */
  const back = (answer: LightMyRequestResponse, { parameters }: Asked): URLSearchParams => {
    const address = new URL(String(answer.headers.location))
    assert.equal(`${address.origin}${address.pathname}`, CALLBACK)
    assert.equal(address.hash, '')
    const returned = address.searchParams
    assert.equal(returned.get('state'), parameters['state'] ?? null)
    assert.equal(returned.get('iss'), ISSUER)
    const own = returned.has('error') ? ['error', 'error_description'] : ['code']
    assert.deepEqual(
      [...returned.keys()].sort(),
      [...own, 'iss', ...('state' in parameters ? ['state'] : [])].sort(),
    )
    if (returned.has('error')) assert.match(String(returned.get('error_description')), ERROR_TEXT)
    else assert.ok(String(returned.get('code')).length >= 43, 'no one can guess it')
    return returned
  }

  /** Somebody who signs in and allows what is asked, wherever a page of the bridge wants it. */
  const visit = async (
    browser: Browser,
    asked: Asked,
    first: Promise<LightMyRequestResponse> = browser.open(asked.url),
  ): Promise<Returned> => {
    const met: Returned['met'] = []
    let answer = await first
    while (answer.statusCode === 200 && met.length < 3) {
      const held_identity = fieldOf(answer.body, 'held_identity')
      const isConsent = held_identity !== ''
      assert.ok(isConsent || answer.body.includes('name="password"'), answer.body)
      met.push(isConsent ? 'consent' : 'sign-in')
      answer = await browser.send(asked.url, isConsent ? { held_identity, consent: 'allow' } : DEMO)
    }
    assert.equal(answer.statusCode, 303, answer.body)
    return { parameters: back(answer, asked), met }
  }

  /** As the app of the request proves who it is. */
  const callTokenEndpoint = (parameters: Record<string, string>, client_id = 'a-server') => {
    const url = path('token_endpoint')
    return client_id === 'posting-server'
      ? post(app, url, { ...parameters, client_id, client_secret: SECRET })
      : post(app, url, parameters, basic(client_id, SECRET))
  }

  const jwks = (await app.inject({ url: path('jwks_uri') })).json<JSONWebKeySet>()

  /** @see OpenID Connect Core 1.0 §3.1.3.7 */
  const readIdToken = async (
    { id_token = '', access_token }: OAuthTokenResponse,
    client_id: string,
    nonce: string | undefined,
  ): Promise<IdTokenClaims> => {
    const { kid, alg = '' } = decodeProtectedHeader(id_token)
    assert.equal(typeof kid, 'string')
    assert.ok(metadata.id_token_signing_alg_values_supported.includes(alg))
    const { payload } = await jwtVerify(id_token, createLocalJWKSet(jwks), {
      algorithms: [alg],
      issuer: ISSUER,
      audience: client_id,
      requiredClaims: ['sub', 'iat', 'exp'],
      maxTokenAge: 60,
      currentDate: new Date(Date.now()),
    })
    const claims = payload as unknown as IdTokenClaims
    assert.equal(claims.nonce, nonce)
    assert.match(claims.sub, /^[\x20-\x7e]{1,255}$/)
    assert.ok(claims.auth_time <= seconds() && claims.exp <= seconds() + 3600)
    const half = createHash('sha256').update(access_token).digest().subarray(0, 16)
    assert.equal(claims.at_hash, half.toString('base64url'))
    const more = Object.keys(claims).filter((name) => !ID_TOKEN_CLAIMS.includes(name))
    assert.deepEqual(more, [], 'nothing that was not asked for')
    return claims
  }

  /** What a token answer has to be, and the ID token in it. @see RFC 6749 §5.1 */
  const readTokens = async (
    answer: LightMyRequestResponse,
    client_id: string,
    nonce: string | undefined,
  ) => {
    assert.equal(answer.statusCode, 200, answer.body)
    assert.match(String(answer.headers['content-type']), /^application\/json/)
    assert.equal(answer.headers['cache-control'], 'no-store')
    const tokens = answer.json<OAuthTokenResponse>()
    assert.equal(tokens.token_type, 'Bearer')
    assert.match(tokens.access_token, /^[\x20-\x7e]{22,}$/)
    assert.ok(Number.isInteger(tokens.expires_in) && tokens.expires_in > 0)
    return { ...tokens, claims: await readIdToken(tokens, client_id, nonce) }
  }

  const redeem = async (
    { parameters: { client_id, redirect_uri = '', nonce } }: Asked,
    { parameters }: Returned,
    more: Record<string, string> = {},
  ) => {
    const code = parameters.get('code') ?? ''
    const grant = { grant_type: 'authorization_code', code, redirect_uri, ...more }
    return readTokens(await callTokenEndpoint(grant, client_id), client_id ?? '', nonce)
  }

  return {
    app,
    addon,
    metadata,
    jwks,
    path,
    ask,
    back,
    visit,
    redeem,
    readTokens,
    callTokenEndpoint,
    newBrowser: () => openBrowser(app),
    /** One flow with this change of the request, in this browser or a new one. */
    flow: async (change: Change = {}, browser: Browser = openBrowser(app)) => {
      const asked = ask(change)
      const returned = await visit(browser, asked)
      return { asked, browser, returned, ...(await redeem(asked, returned)) }
    },
    /** @see OpenID Connect Core 1.0 §5.3 */
    userInfo: async (access_token: string): Promise<Record<string, unknown>> => {
      const answer = await app.inject({
        url: path('userinfo_endpoint'),
        headers: { authorization: `Bearer ${access_token}` },
      })
      assert.equal(answer.statusCode, 200, answer.body)
      assert.match(String(answer.headers['content-type']), /^application\/json/)
      return answer.json()
    },
  }
}
