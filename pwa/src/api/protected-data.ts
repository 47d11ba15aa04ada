import { PATHS } from '@drawbridge/bridge/contract'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { call } from './call.ts'
import { withQuery } from './with-query.ts'

/**
 * The user and the first of the contacts that Odoo shows them.
 * @param company to work in; null: all of the user's
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export const readProtectedData = (
  session: Session,
  company: number | null,
  signal: AbortSignal,
): Promise<ProtectedData | null> =>
  call<ProtectedData>(session, withQuery(PATHS.protectedData, { company }), {
    signal,
    isAnswer: (data) =>
      Boolean(data?.user) && Array.isArray(data?.contacts) && typeof data.total === 'number',
  })
