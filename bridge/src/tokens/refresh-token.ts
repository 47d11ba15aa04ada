import { createDecoder, createSigner, createVerifier, TokenError } from 'fast-jwt'
import { REFRESH_TOKEN_TYP, type RefreshTokenClaims } from '../contract/index.ts'
import type { SecretKey, SecretKeys } from '../keys/port.ts'
import type { Session } from '../sessions/port.ts'

const CLOCK_LEEWAY = 5

const decode = createDecoder({ complete: true })

/** Mints and verifies refresh tokens: a forged or expired one never reaches the database. */
export interface RefreshTokens {
  /** A token of the session's current generation. @param now milliseconds since 1970 @throws KeysUnavailable */
  mint(session: Session, now: number): Promise<string>
  /** @returns undefined for whatever is no live refresh token of this bridge @throws KeysUnavailable */
  verify(token: string): Promise<RefreshTokenClaims | undefined>
}

export function createRefreshTokens(secrets: SecretKeys, issuer: string): RefreshTokens {
  // One signer and one verifier per key, made once. By key, not by name: what replaced a key under
  // its name must not be verified by the old one.
  const tools = new WeakMap<SecretKey, ReturnType<typeof toolsFor>>()
  const toolsFor = ({ kid, secret }: SecretKey) => ({
    sign: createSigner({
      algorithm: 'HS256',
      key: secret,
      kid,
      header: { alg: 'HS256', typ: REFRESH_TOKEN_TYP },
    }),
    verify: createVerifier({
      key: secret,
      algorithms: ['HS256'],
      allowedIss: issuer,
      allowedAud: issuer,
      checkTyp: REFRESH_TOKEN_TYP,
      requiredClaims: ['iss', 'aud', 'client_id', 'sid', 'gen', 'iat', 'exp'],
      clockTolerance: CLOCK_LEEWAY * 1000,
    }),
  })
  const use = (key: SecretKey) => {
    let tool = tools.get(key)
    if (!tool) {
      tool = toolsFor(key)
      tools.set(key, tool)
    }
    return tool
  }

  return {
    mint: async (session, now) => {
      const claims: RefreshTokenClaims = {
        iss: issuer,
        aud: issuer,
        client_id: session.client_id,
        sid: session.sid,
        gen: session.generation,
        iat: Math.floor(now / 1000),
        exp: Math.floor(session.expires_at / 1000),
      }
      return use(await secrets.current()).sign(claims)
    },
    verify: async (token) => {
      try {
        const { header } = decode(token) as { header: { kid?: unknown } }
        const key = typeof header.kid === 'string' ? await secrets.find(header.kid) : undefined
        if (!key) return undefined
        const claims = use(key).verify(token) as RefreshTokenClaims
        return Number.isSafeInteger(claims.gen) && claims.gen >= 0 ? claims : undefined
      } catch (error) {
        if (error instanceof TokenError) return undefined
        throw error
      }
    },
  }
}
