import type { TokenResponse } from '@drawbridge/bridge/contract'
import { SessionError } from './errors.ts'

/** An access token, and what the client needs to know of it. Never leaves memory. */
export interface AccessToken {
  value: string
  /** Whose it is. Read, not verified: it only tells one user's token from another's. */
  sub: string
  /** The session that it belongs to. */
  sid: string
  /** Milliseconds since 1970 by this machine's own clock, so that a wrong clock does no harm. */
  expiresAt: number
}

/**
 * Reads the answer of `POST /auth/login` and `POST /auth/refresh`.
 * @param body the parsed JSON
 * @param now milliseconds by the local clock, when the answer came
 * @throws {SessionError} `bad_response`
 */
export function readTokenResponse(body: unknown, now: number): AccessToken {
  const { access_token, expires_in } = (body ?? {}) as Partial<TokenResponse>
  if (typeof access_token !== 'string' || typeof expires_in !== 'number') {
    throw new SessionError('bad_response')
  }
  return { value: access_token, ...readClaims(access_token), expiresAt: now + expires_in * 1000 }
}

function readClaims(token: string): { sub: string; sid: string } {
  try {
    const payload = token.split('.')[1] ?? ''
    const json = atob(payload.replaceAll('-', '+').replaceAll('_', '/'))
    const { sub, sid } = JSON.parse(json) as Record<string, unknown>
    if (typeof sub === 'string' && typeof sid === 'string') return { sub, sid }
  } catch (cause) {
    throw new SessionError('bad_response', { cause })
  }
  throw new SessionError('bad_response')
}
