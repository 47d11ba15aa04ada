import type { AccessTokenClaims, RefreshTokenClaims } from '../contract/index.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { RefreshTokens } from '../tokens/refresh-token.ts'

/** A genuine token, of whichever kind. */
export type KnownToken =
  { kind: 'access'; claims: AccessTokenClaims } | { kind: 'refresh'; claims: RefreshTokenClaims }

/**
 * Tells what a token is that somebody asks about. A hint of the kind is not needed: no token passes
 * for one of the other kind.
 * @returns resolves to undefined for what is forged, expired or no token; throws KeysUnavailable
 */
export const createTokenReader =
  (accessTokens: AccessTokens, refreshTokens: RefreshTokens) =>
  async (token: string): Promise<KnownToken | undefined> => {
    const refresh = await refreshTokens.verify(token)
    if (refresh) return { kind: 'refresh', claims: refresh }
    const { claims } = await accessTokens.verify(token, undefined)
    return claims && { kind: 'access', claims }
  }

export type TokenReader = ReturnType<typeof createTokenReader>
