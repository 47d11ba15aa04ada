import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import { BridgeError } from '../errors.ts'
import { sharedCall } from '../keys/shared-call.ts'
import type { Identity, Lookup, PairedOdoo } from '../odoo/port.ts'
import { amrOf, authTimeOf, isSubject, verifiedEmail, type Claims } from './claims.ts'
import type { SignInProvider } from './port.ts'
import type { Match, RegisteredProvider } from './settings.ts'
import { upstreamFetch } from './upstream-fetch.ts'

export interface OpenIdProviderOptions extends RegisteredProvider {
  odoo: Pick<PairedOdoo, 'lookup'>
}

/** A provider that keeps connections, and gives them back. */
export interface OpenIdProvider extends SignInProvider {
  close(): Promise<void>
}

/** Seconds for one answer. A person waits, and up to four are needed. */
const TIMEOUT = 5

/** Milliseconds until the metadata is read again; keys are the library's to keep fresh. */
const METADATA_AGE = 3_600_000

/** Milliseconds that a failed discovery is not tried again. */
const COOL_DOWN = 10_000

/** What the library calls an answer that is there, and not to be believed. */
const DISBELIEVED: ReadonlySet<string | undefined> = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
])

/** Apart from the challenge, which hashes the verifier alone: whoever sees one cannot make the other. */
const nonceOf = (codeVerifier: string): string =>
  createHash('sha256').update(`nonce ${codeVerifier}`).digest('base64url')

/** The words of an error and of what caused it, without its objects: those may hold tokens. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no error'
  const { message, cause } = error
  return cause instanceof Error ? `${message} (${wordsOf(cause)})` : message
}

/** Somebody brought an answer that does not hold, or the provider does not answer as it should. */
function toBridgeError(id: string, error: unknown): BridgeError {
  if (error instanceof BridgeError) return error
  const isOAuth =
    error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError
  // What a browser brings may be of any length.
  const words = isOAuth ? `it answered ${error.error.slice(0, 64)}` : wordsOf(error)
  const isRefusal =
    error instanceof client.AuthorizationResponseError ||
    (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') ||
    (error instanceof client.ClientError && DISBELIEVED.has(error.code))
  return new BridgeError(isRefusal ? 'sign_in_refused' : 'provider_unavailable', {
    description: `${id}: ${words}`,
  })
}

/**
 * Another OpenID provider's sign-in, by the code flow with PKCE. It knows who somebody is there;
 * who that is here is Odoo's to say, by the configured rule, and nobody is created.
 * @see OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207, RFC 9700
 */
export function openIdProvider({
  settings,
  clientSecret,
  odoo,
}: OpenIdProviderOptions): OpenIdProvider {
  const { id, name, issuer, clientId, scope, match, skipsSecondFactor } = settings
  const upstream = upstreamFetch(new URL(issuer))
  let known: { configuration: client.Configuration; until: number } | undefined

  const readMetadata = async (): Promise<client.Configuration> => {
    const configuration = await client.discovery(
      new URL(issuer),
      clientId,
      undefined,
      // What a provider does not list, it need not take. @see OpenID Connect Discovery 1.0 §3
      (server, ...rest) => {
        const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server
        const authenticate = methods.includes('client_secret_post')
          ? client.ClientSecretPost(clientSecret)
          : client.ClientSecretBasic(clientSecret)
        authenticate(server, ...rest)
      },
      {
        timeout: TIMEOUT,
        [client.customFetch]: upstream.fetch,
        execute: [
          // By default the connection alone speaks for an ID token.
          client.enableNonRepudiationChecks,
          // Where the issuer is not plain itself, upstream.fetch lets nothing plain through. The
          // library marks this as deprecated so that it stands out.
          // eslint-disable-next-line @typescript-eslint/no-deprecated
          ...(issuer.startsWith('http:') ? [client.allowInsecureRequests] : []),
        ],
      },
    )
    const metadata = configuration.serverMetadata()
    // The library makes exceptions for some, whose issuer is a pattern for anybody's.
    if (metadata.issuer !== issuer) {
      throw new TypeError(`it calls itself ${metadata.issuer}, and not ${issuer}`)
    }
    if (!upstream.permits(metadata.authorization_endpoint ?? '')) {
      throw new TypeError('it names no https address to send people to')
    }
    return configuration
  }

  const discover = sharedCall(async () => {
    try {
      known = { configuration: await readMetadata(), until: Date.now() + METADATA_AGE }
      return known.configuration
    } catch (error) {
      // Whatever is wrong with its metadata, nobody did anything wrong yet.
      throw new BridgeError('provider_unavailable', { description: `${id}: ${wordsOf(error)}` })
    }
  }, COOL_DOWN)

  const configured = async (): Promise<client.Configuration> => {
    if (known && Date.now() < known.until) return known.configuration
    return discover().catch((error: unknown) => {
      if (known) return known.configuration
      throw error
    })
  }

  /** What the provider says of who came back, verified. */
  const claimsOf = async (
    answer: URLSearchParams,
    { state, codeVerifier, redirectUri }: Parameters<SignInProvider['identify']>[1],
  ): Promise<{ sub: string; token: Claims; profile: Claims }> => {
    const configuration = await configured()
    const address = new URL(redirectUri)
    address.search = answer.toString()
    const tokens = await client.authorizationCodeGrant(configuration, address, {
      pkceCodeVerifier: codeVerifier,
      expectedState: state,
      expectedNonce: nonceOf(codeVerifier),
      idTokenExpected: true,
    })
    const token = tokens.claims()
    if (!token || !isSubject(token.sub)) {
      throw new BridgeError('sign_in_refused', { description: `${id}: no proper sub` })
    }
    const { sub } = token
    if (match.by === 'oauth_uid' || token['email'] !== undefined)
      return { sub, token, profile: token }
    // What a scope asks for may be told in this place alone. @see OpenID Connect Core 1.0 §5.4
    const profile = await client.fetchUserInfo(configuration, tokens.access_token, sub)
    return { sub, token, profile }
  }

  /** How to find the user in Odoo. @returns or why not to look */
  const lookupOf = (rule: Match, sub: string, profile: Claims): Lookup | string => {
    if (rule.by === 'oauth_uid') return { oauth: { provider: rule.oauthProviderId, uid: sub } }
    const verified = verifiedEmail(profile, rule.domains)
    return typeof verified === 'string' ? verified : { login: verified.email }
  }

  return {
    id,
    name,

    authorizationUrl: async ({ state, codeVerifier, redirectUri, after }) => {
      const address = client.buildAuthorizationUrl(await configured(), {
        redirect_uri: redirectUri,
        scope,
        state,
        nonce: nonceOf(codeVerifier),
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        // @see OpenID Connect Core 1.0 §3.1.2.1: the ID token then says when that was
        ...(after === undefined
          ? {}
          : { max_age: String(Math.max(0, Math.floor(Date.now() / 1000) - after)) }),
      })
      return address.href
    },

    identify: async (answer, request): Promise<Identity> => {
      const { sub, token, profile } = await claimsOf(answer, request).catch((error: unknown) => {
        throw toBridgeError(id, error)
      })
      // The subject is what the provider's own administrators look people up by. An e-mail address
      // tells everybody else, so it stays out of the log.
      const account = `sub ${JSON.stringify(sub)} of ${issuer}`
      const lookup = lookupOf(match, sub, profile)
      if (typeof lookup === 'string') {
        throw new BridgeError('unknown_user', { description: `${account}: ${lookup}` })
      }
      const user = await odoo.lookup(lookup)
      if (!user) {
        throw new BridgeError('unknown_user', { description: `${account}: no active user of Odoo` })
      }
      if (user.secondFactor && !skipsSecondFactor) {
        const description = `${account}: user ${user.identity.uid} has a second factor in Odoo`
        throw new BridgeError('mfa_not_offered', { description })
      }
      return { ...user.identity, amr: amrOf(token), authTime: authTimeOf(token) }
    },

    close: () => upstream.close(),
  }
}
