import type { ErrorCode } from '@drawbridge/bridge/contract'

/**
 * Why a step of the session failed: a code of the bridge, or one of the client's own.
 *
 * - `offline`: no answer, and the browser says that it has no network. Nothing is lost.
 * - `unreachable`: no answer, or none from the bridge itself. Nothing is lost; try again.
 * - `bad_response`: the bridge answered something that is not understood.
 * - `signed_out`: there is no session; `login()` first.
 * - `user_changed`: somebody else signed in while a request was under way. It was not repeated, or
 *   its answer was not handed out.
 */
export type SessionErrorCode =
  ErrorCode | 'offline' | 'unreachable' | 'bad_response' | 'signed_out' | 'user_changed'

/** What every method of the session rejects with. */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  /** Stable; choose by this, not by the message. */
  readonly code: SessionErrorCode
  /** HTTP status of the answer, if there was one. */
  readonly status: number | undefined

  constructor(code: SessionErrorCode, options: ErrorOptions & { status?: number } = {}) {
    super(code, options)
    this.code = code
    this.status = options.status
  }
}

/** Whatever was thrown, as what the session rejects with. */
export const toSessionError = (error: unknown): SessionError =>
  error instanceof SessionError ? error : new SessionError('bad_response', { cause: error })

/**
 * The error of a request that found no answer.
 * @param cause what `fetch` threw: it does not say why
 */
export const unanswered = (cause: unknown): SessionError =>
  new SessionError('onLine' in navigator && !navigator.onLine ? 'offline' : 'unreachable', {
    cause,
  })
