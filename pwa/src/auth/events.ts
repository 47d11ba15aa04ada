import type { Timing } from './bridge-requests.ts'
import type { SessionErrorCode } from './errors.ts'

/** Why a new access token is asked for. */
export type RefreshReason =
  /** The page was opened; a session may be in the cookie. */
  | 'restore'
  /** The access token is known to have expired, before a call. */
  | 'expired'
  /** A call was answered with 401. */
  | 'unauthorized'
  /** The page, or the network, came back and the token had expired; or the back button was used. */
  | 'wake'

/** The events of a session and their details. No token, password or query is ever in them. */
export interface SessionEventMap {
  /** `POST /auth/login` was answered, or could not be. Times are milliseconds. */
  login: { ok: boolean; code?: SessionErrorCode; duration: number } & Timing
  /** A protected request is about to be sent. `id` numbers the request, not the attempt. */
  call: { id: number; attempt: 1 | 2; method: string; path: string }
  /** It was answered; status 0: it was not. `challenge` is the gate's reason. @see RFC 6750 §3 */
  answer: {
    id: number
    attempt: 1 | 2
    method: string
    path: string
    status: number
    challenge?: string
    duration: number
  } & Timing
  /** A new access token is about to be asked for. */
  refresh: { reason: RefreshReason }
  /** It came from the bridge or from another tab, or was refused, or nobody could be asked. */
  refreshed: {
    reason: RefreshReason
    outcome: 'renewed' | 'refused' | 'failed'
    from: 'bridge' | 'tab'
    code?: SessionErrorCode
    duration: number
  } & Timing
  /** The original request is about to be sent again, with the new token. */
  retry: { id: number; method: string; path: string }
  /** `POST /auth/logout` was answered, or could not be. */
  logout: { ok: boolean; code?: SessionErrorCode; duration: number } & Timing
  /** There is a session now. */
  'signed-in': { by: 'login' | 'restore' | 'tab' }
  /** There is none any more; the tokens are gone. */
  'signed-out': { reason: 'logout' | 'refused'; by: 'here' | 'tab' }
  /** The session is another user's now: what is on the screen belongs to somebody else. */
  'user-changed': { sub: string }
}

export type SessionEventName = keyof SessionEventMap

/** An event of a session. */
export type SessionEvent<Name extends SessionEventName> = CustomEvent<SessionEventMap[Name]>

interface TypedEventTarget extends EventTarget {
  addEventListener<Name extends SessionEventName>(
    type: Name,
    listener: (event: SessionEvent<Name>) => void,
    options?: AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void
}

/** The browser's EventTarget, whose listeners are given what their event's name says. */
export const SessionEventTarget = EventTarget as new () => TypedEventTarget

/** The names of all events, for those who listen to each. */
export const SESSION_EVENTS = [
  'login',
  'call',
  'answer',
  'refresh',
  'refreshed',
  'retry',
  'logout',
  'signed-in',
  'signed-out',
  'user-changed',
] as const satisfies SessionEventName[]
