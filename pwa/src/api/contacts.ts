import { PATHS } from '@drawbridge/bridge/contract'
import type { ContactChange, ContactDetails, ContactsPage } from '@drawbridge/bridge/contract'
import type { Session } from '../auth/index.ts'
import { ApiError } from './api-error.ts'
import { call, send } from './call.ts'
import { withQuery } from './with-query.ts'

/** What a list is of. */
export interface ContactQuery {
  /** Words that all have to stand somewhere in a contact; as they were typed. */
  search: string
  /** Of the page before; null for the first one. */
  after: string | null
  /** To work in; null: all of the user's. */
  company: number | null
}

/**
 * A page of contacts.
 * @returns null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export function readContacts(
  session: Session,
  { search, after, company }: ContactQuery,
  signal: AbortSignal,
): Promise<ContactsPage | null> {
  const path = withQuery(PATHS.contacts, { search: search.trim(), after, company })
  return call<ContactsPage>(session, path, {
    signal,
    isAnswer: (page) => Array.isArray(page?.contacts) && page.after !== undefined,
  })
}

/** One of them, in the company that it was found in. */
export interface ContactAddress {
  id: number
  company: number | null
}

const addressOf = ({ id, company }: ContactAddress): string =>
  withQuery(`${PATHS.contacts}/${id}`, { company })
const isAnswer = (contact: Partial<ContactDetails> | null): boolean =>
  typeof contact?.id === 'number' && Array.isArray(contact.address)

/** @returns null as above @throws {ApiError} `not_found` for what is not there for this user */
export const readContact = (
  session: Session,
  contact: ContactAddress,
  signal: AbortSignal,
): Promise<ContactDetails | null> => call(session, addressOf(contact), { signal, isAnswer })

/**
 * Changes a contact at Odoo.
 * @returns how it is now; null as above
 * @throws {ApiError} `odoo_forbidden` and `odoo_refused` have Odoo's own words
 */
export const changeContact = (
  session: Session,
  contact: ContactAddress,
  change: ContactChange,
  signal: AbortSignal,
): Promise<ContactDetails | null> =>
  call(session, addressOf(contact), { signal, method: 'PATCH', body: change, isAnswer })

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
  const response = await send(session, `${PATHS.contacts}/${id}/photo`, { signal })
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
