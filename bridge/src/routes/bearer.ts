import type { FastifyRequest } from 'fastify'
import { PWA_CLIENT_ID, type AccessTokenClaims } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Sessions } from '../tokens/sessions.ts'

/**
 * Reads the access token of a request to the bridge itself: the PWA's, meant for the bridge, of a
 * session that lives.
 * @throws BridgeError invalid_token
 * @see RFC 6750 §2.1
 */
export function createBearer(issuer: string, accessTokens: AccessTokens, sessions: Sessions) {
  return async (request: FastifyRequest): Promise<AccessTokenClaims> => {
    const token = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const { claims } = await accessTokens.verify(token, issuer)
    // A token of another app must not look into, nor end, what its user has elsewhere.
    if (claims?.client_id !== PWA_CLIENT_ID || !(await sessions.isLive(claims.sid))) {
      throw new BridgeError('invalid_token')
    }
    return claims
  }
}

export type Bearer = ReturnType<typeof createBearer>
