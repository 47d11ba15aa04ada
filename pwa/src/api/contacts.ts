import { PATHS } from '@drawbridge/bridge/contract'
import type { ContactsPage } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { call } from './call.ts'

/**
 * A page of contacts.
 * @param search words that all have to stand somewhere in a contact; as they were typed
 * @param after of the page before; null for the first one
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export function readContacts(
  session: Session,
  search: string,
  after: string | null,
  signal: AbortSignal,
): Promise<ContactsPage | null> {
  const words = search.trim()
  const query = new URLSearchParams({
    ...(words === '' ? {} : { search: words }),
    ...(after === null ? {} : { after }),
  })
  return call<ContactsPage>(session, `${PATHS.contacts}?${query.toString()}`, {
    signal,
    isAnswer: (page) => Array.isArray(page?.contacts) && page.after !== undefined,
  })
}
