import { PATHS } from '@drawbridge/bridge/contract'
import type { ContactChange, ContactDetails, ContactsPage } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { ApiError } from './api-error.ts'
import { call, send } from './call.ts'

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

const addressOf = (id: number): string => `${PATHS.contacts}/${id}`
const isAnswer = (contact: Partial<ContactDetails> | null): boolean =>
  typeof contact?.id === 'number' && Array.isArray(contact.address)

/** @returns null as above @throws {ApiError} `not_found` for what is not there for this user */
export const readContact = (
  session: Session,
  id: number,
  signal: AbortSignal,
): Promise<ContactDetails | null> => call(session, addressOf(id), { signal, isAnswer })

/**
 * Changes a contact at Odoo.
 * @returns how it is now; null as above
 * @throws {ApiError} `odoo_forbidden` and `odoo_refused` have Odoo's own words
 */
export const changeContact = (
  session: Session,
  id: number,
  change: ContactChange,
  signal: AbortSignal,
): Promise<ContactDetails | null> =>
  call(session, addressOf(id), { signal, method: 'PATCH', body: change, isAnswer })

/**
 * The picture of a contact, as an address that holds it: the page's policy lets no other through,
 * and nothing of it is left in a cache.
 * @returns null as above
 * @throws {ApiError} `not_found` if there is none
 */
export async function readPhoto(
  session: Session,
  id: number,
  signal: AbortSignal,
): Promise<string | null> {
  const response = await send(session, `${addressOf(id)}/photo`, { signal })
  if (!response) return null
  const blob = await response.blob()
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => {
      resolve(signal.aborted ? null : (reader.result as string))
    }
    reader.onerror = () => {
      reject(new ApiError('bad_response', { cause: reader.error }))
    }
    reader.readAsDataURL(blob)
  })
}
