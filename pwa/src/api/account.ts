import { PATHS, PWA_CLIENT_ID } from '@drawbridge/bridge/contract'
import type {
  ConnectedApp,
  ConnectedAppsResponse,
  SessionDescription,
  SessionsResponse,
} from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { call } from './call.ts'

/** Where a user is signed in, and what they have let in. */
export interface Account {
  /** This one first. */
  devices: SessionDescription[]
  apps: ConnectedApp[]
}

/**
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export async function readAccount(session: Session, signal: AbortSignal): Promise<Account | null> {
  const [sessions, connected] = await Promise.all([
    call<SessionsResponse>(session, PATHS.sessions, {
      signal,
      isAnswer: (answer) => Array.isArray(answer?.sessions),
    }),
    call<ConnectedAppsResponse>(session, PATHS.apps, {
      signal,
      isAnswer: (answer) => Array.isArray(answer?.apps),
    }),
  ])
  if (!sessions || !connected) return null
  // The sessions of apps are counted there.
  const own = sessions.sessions.filter(({ client_id }) => client_id === PWA_CLIENT_ID)
  const devices = [...own.filter(({ current }) => current), ...own.filter((each) => !each.current)]
  return { devices, apps: connected.apps }
}

/** @throws {ApiError} `not_found` for what is over already */
const remove = (session: Session, path: string, signal: AbortSignal): Promise<null> =>
  call<null>(session, path, { signal, method: 'DELETE', isAnswer: () => true })

/** Signs a device out. @throws {ApiError} */
export const endDevice = (session: Session, sid: string, signal: AbortSignal): Promise<null> =>
  remove(session, `${PATHS.sessions}/${encodeURIComponent(sid)}`, signal)

/** Takes back what an app was let have, and signs it out. @throws {ApiError} */
export const disconnectApp = (
  session: Session,
  clientId: string,
  signal: AbortSignal,
): Promise<null> => remove(session, `${PATHS.apps}/${encodeURIComponent(clientId)}`, signal)
