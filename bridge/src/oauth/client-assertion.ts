import { createHash } from 'node:crypto'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { BridgeError } from '../errors.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Client } from '../tokens/clients.ts'

/** What an assertion may be signed with: never with a secret, never with nothing. */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519']

/** Seconds that the clock of the client may be off. */
const CLOCK_LEEWAY = 5

/** Seconds from now until which an assertion may be good at most: so long it is remembered. */
const LONGEST_LIFE = 600

/** Milliseconds. */
const KEYS_TIMEOUT = 3000
const KEYS_COOL_DOWN = 30_000
const KEYS_MAX_AGE = 600_000

const refusal = (description: string, cause?: unknown) =>
  new BridgeError('invalid_client', { description, cause })

/**
 * Verifies assertions of clients that sign. Each is good once, at any bridge of one database.
 * @see RFC 7523 §3, OIDC Core §9
 */
export function createClientAssertions(
  issuer: string,
  tokenEndpoint: string,
  store: Pick<SessionStore, 'takeAssertion'>,
) {
  const audiences = [issuer, tokenEndpoint]

  // By client as it was read: a file that is read again brings new keys.
  const keySets = new WeakMap<Client, JWTVerifyGetKey>()
  const keysOf = (client: Client): JWTVerifyGetKey => {
    const known = keySets.get(client)
    if (known) return known
    const made =
      client.jwks_uri === undefined
        ? createLocalJWKSet(client.jwks as unknown as JSONWebKeySet)
        : createRemoteJWKSet(new URL(client.jwks_uri), {
            timeoutDuration: KEYS_TIMEOUT,
            cooldownDuration: KEYS_COOL_DOWN,
            cacheMaxAge: KEYS_MAX_AGE,
          })
    keySets.set(client, made)
    return made
  }

  /** @throws BridgeError invalid_client */
  return async (client: Client, assertion: string): Promise<void> => {
    const { client_id } = client
    const now = Math.floor(Date.now() / 1000)
    const { payload } = await jwtVerify(assertion, keysOf(client), {
      algorithms: ASSERTION_ALGORITHMS,
      issuer: client_id,
      subject: client_id,
      audience: audiences,
      requiredClaims: ['exp', 'jti'],
      clockTolerance: CLOCK_LEEWAY,
    }).catch((error: unknown) => {
      if (!(error instanceof errors.JOSEError)) throw refusal('its keys cannot be had', error)
      throw refusal(`the client assertion is refused: ${error.code}`)
    })
    // What is for somebody else too, somebody else could show here.
    const foreign = [payload.aud].flat().some((audience) => !audiences.includes(audience ?? ''))
    if (foreign) throw refusal('the client assertion is for others, too')
    const { exp = 0, jti = '' } = payload
    if (typeof jti !== 'string' || jti === '' || jti.length > 1000) {
      throw refusal('the client assertion has no usable jti')
    }
    if (exp > now + LONGEST_LIFE) throw refusal('the client assertion lives too long')
    // Last, when all else is right: what strangers send costs the database nothing.
    const hash = createHash('sha256')
      .update(JSON.stringify([client_id, jti]))
      .digest('base64url')
    const until = (exp + CLOCK_LEEWAY) * 1000
    if (!(await store.takeAssertion(hash, until))) throw refusal('the client assertion was used')
  }
}
