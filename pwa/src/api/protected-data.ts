import { PATHS } from '@drawbridge/bridge/contract'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { ApiError, errorOf, errorWithoutAnswer } from './api-error.ts'

/**
 * The user and the contacts that Odoo shows them.
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export async function readProtectedData(
  session: Session,
  signal: AbortSignal,
): Promise<ProtectedData | null> {
  let response: Response
  try {
    response = await session.fetch(PATHS.protectedData, { signal })
  } catch (error) {
    const known = signal.aborted ? null : errorWithoutAnswer(error)
    if (known) throw known
    return null
  }
  if (!response.ok) throw await errorOf(response)
  const data = (await response.json().catch(() => null)) as Partial<ProtectedData> | null
  if (signal.aborted) return null
  if (!data?.user || !Array.isArray(data.contacts) || typeof data.total !== 'number') {
    throw new ApiError('bad_response')
  }
  return data as ProtectedData
}
