import { PATHS } from '@drawbridge/bridge/contract'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { call } from './call.ts'

/**
 * The user and the first of the contacts that Odoo shows them.
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export const readProtectedData = (
  session: Session,
  signal: AbortSignal,
): Promise<ProtectedData | null> =>
  call<ProtectedData>(session, PATHS.protectedData, {
    signal,
    isAnswer: (data) =>
      Boolean(data?.user) && Array.isArray(data?.contacts) && typeof data.total === 'number',
  })
