import { createPublicKey, randomUUID } from 'node:crypto'
import { createDecoder, createVerifier, TokenError } from 'fast-jwt'
import {
  ACCESS_TOKEN_TYP,
  type AccessTokenClaims,
  type ValidationStatus,
} from '../contract/index.ts'
import type { PublicJwk, Signer } from '../keys/port.ts'
import type { Session } from '../sessions/port.ts'

/** Seconds that the clock of whoever asks may be behind. */
const CLOCK_LEEWAY = 5

const REQUIRED_CLAIMS = ['iss', 'aud', 'sub', 'client_id', 'exp', 'iat', 'jti', 'sid']

/** Tokens whose good signature is remembered, per key. */
const CACHED_TOKENS = 10_000

type Verify = (token: string) => AccessTokenClaims

const words = (list: string): string[] => list.split(' ').filter((word) => word !== '')

const decode = createDecoder({ complete: true })

/** Mints and verifies access tokens. @see RFC 9068 */
export interface AccessTokens {
  /** Seconds. */
  readonly ttl: number
  /** Tells before something is changed whether it could be answered. @throws KeysUnavailable */
  ready(): Promise<void>
  /**
   * @param now milliseconds since 1970
   * @param life seconds; `ttl` where it is not given
   * @throws KeysUnavailable
   */
  mint(session: Session, now: number, life?: number): Promise<string>
  /**
   * @param audience undefined: whatever it is meant for. Only where the token opens nothing, or its
   * scope alone says what.
   * @throws KeysUnavailable
   */
  verify(
    token: string,
    audience: string | undefined,
  ): Promise<{ status: ValidationStatus; claims?: AccessTokenClaims }>
}

/** @param ttl seconds */
export function createAccessTokens(signer: Signer, issuer: string, ttl: number): AccessTokens {
  const claimsOf = (session: Session, now: number, life: number): AccessTokenClaims => {
    const audience = words(session.audience)
    const iat = Math.floor(now / 1000)
    return {
      iss: issuer,
      aud: audience.length === 1 ? session.audience : audience,
      sub: String(session.uid),
      client_id: session.client_id,
      scope: session.scope,
      // An access token never outlives its session.
      exp: Math.min(iat + life, Math.floor(session.absolute_expires_at / 1000)),
      iat,
      jti: randomUUID(),
      sid: session.sid,
      auth_time: Math.floor(session.auth_time / 1000),
      amr: words(session.amr),
      roles: words(session.roles),
    }
  }

  // One verifier per key, made once.
  const verifiers = new Map<string, Verify>()
  const verifierFor = (jwk: PublicJwk): Verify => {
    const made = verifiers.get(jwk.kid)
    if (made) return made
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const verify: Verify = createVerifier({
      key: key.export({ format: 'pem', type: 'spki' }).toString(),
      algorithms: [jwk.alg],
      allowedIss: issuer,
      checkTyp: ACCESS_TOKEN_TYP,
      requiredClaims: REQUIRED_CLAIMS,
      clockTolerance: CLOCK_LEEWAY * 1000,
      // By the SHA-256 of the whole token, until it expires. Whether its key is still published,
      // and its session alive, is asked each time.
      cache: CACHED_TOKENS,
    })
    verifiers.set(jwk.kid, verify)
    return verify
  }

  const verify = async (
    token: string,
  ): Promise<{ status: ValidationStatus; claims?: AccessTokenClaims }> => {
    try {
      const { header } = decode(token) as { header: { kid?: unknown } }
      const jwk = (await signer.publicJwks()).find(({ kid }) => kid === header.kid)
      return jwk ? { status: 'Valid', claims: verifierFor(jwk)(token) } : { status: 'Invalid' }
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      return { status: error.code === 'FAST_JWT_EXPIRED' ? 'Expired' : 'Invalid' }
    }
  }

  return {
    ttl,
    ready: () => signer.ready(),
    mint: (session, now, life = ttl) => signer.sign(ACCESS_TOKEN_TYP, claimsOf(session, now, life)),
    verify: async (token, audience) => {
      const { status, claims } = await verify(token)
      return claims && audience !== undefined && ![claims.aud].flat().includes(audience)
        ? { status: 'Invalid' }
        : { status, ...(claims && { claims }) }
    },
  }
}
