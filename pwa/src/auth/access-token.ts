import type { SessionTokenResponse } from '@drawbridge/bridge/contract'
import { SessionError } from './errors.ts'

/** An access token, and what the client needs to know of it. Never leaves memory. */
export interface AccessToken {
  value: string
  /** Whose it is. Read, not verified: it only tells one user's token from another's. */
  sub: string
  /** The session that it belongs to. */
  sid: string
  /**
   * When it was made, in seconds since 1970 by the server's clock. Tells the newer of two tokens,
   * whatever the clocks of this machine did in between.
   */
  iat: number
  /** When it was asked for, in milliseconds since 1970 by this machine's clock, right or wrong. */
  askedAt: number
  /** Milliseconds that it is good for, from then on. */
  lifetime: number
  /**
   * When the session is over if it is not refreshed again: milliseconds since 1970 by this
   * machine's own clock.
   */
  sessionExpiresAt: number
  /** Whether the session may outlive the browser: false at a shared computer. */
  persistent: boolean
}

/** What an app may know of the session that it is in now. */
export type CurrentSession = Pick<AccessToken, 'sub' | 'sid' | 'sessionExpiresAt' | 'persistent'>

/**
 * Reads the answer of `POST /auth/login` and `POST /auth/refresh`.
 * @param body the parsed JSON
 * @param askedAt milliseconds by the local clock, when it was asked for: an answer that was long
 * under way has lived a part of its time already
 * @throws {SessionError} `bad_response`
 */
export function readTokenResponse(body: unknown, askedAt: number): AccessToken {
  const { access_token, expires_in, refresh_expires_in, persistent } = (body ??
    {}) as Partial<SessionTokenResponse>
  if (typeof access_token !== 'string' || typeof expires_in !== 'number') {
    throw new SessionError('bad_response')
  }
  return {
    value: access_token,
    ...readClaims(access_token),
    askedAt,
    lifetime: expires_in * 1000,
    // A bridge that does not say how long is believed no longer than now.
    sessionExpiresAt:
      askedAt + (typeof refresh_expires_in === 'number' ? refresh_expires_in * 1000 : 0),
    persistent: persistent !== false,
  }
}

function readClaims(token: string): { sub: string; sid: string; iat: number } {
  try {
    const payload = token.split('.')[1] ?? ''
    const json = atob(payload.replaceAll('-', '+').replaceAll('_', '/'))
    const { sub, sid, iat } = JSON.parse(json) as Record<string, unknown>
    if (typeof sub === 'string' && typeof sid === 'string' && typeof iat === 'number') {
      return { sub, sid, iat }
    }
  } catch (cause) {
    throw new SessionError('bad_response', { cause })
  }
  throw new SessionError('bad_response')
}
