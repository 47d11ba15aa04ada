/**
 * A client of the bridge for any web app. It depends on nothing.
 *
 *     const session = createSession({ bridge: location.origin })
 *     if (!(await session.restore())) await session.login({ login, password })
 *     const response = await session.fetch('/api/protected/data')
 */
export type { CurrentSession } from './access-token.ts'
export { SessionError } from './errors.ts'
export type { SessionErrorCode } from './errors.ts'
export { SESSION_EVENTS } from './events.ts'
export type { RefreshReason, SessionEvent, SessionEventMap, SessionEventName } from './events.ts'
export { returnPath } from './return-path.ts'
export { createSession } from './session.ts'
export type { Session, SessionOptions } from './session.ts'
