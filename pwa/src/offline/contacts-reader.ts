import type { Contact, ContactChange, ContactDetails } from '@drawbridge/bridge/contract'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import { ApiError, errorWithoutAnswer } from '../api/api-error.ts'
import type { ApiErrorCode } from '../api/api-error.ts'
import { changeContact, readContact, readContacts, readPhoto } from '../api/contacts.ts'
import type { ContactAddress, ContactQuery } from '../api/contacts.ts'
import { readProtectedData } from '../api/protected-data.ts'
import type { Session } from '../auth/index.ts'
import { joinPages } from './join-pages.ts'
import { MOST_LISTED } from './kept-contacts.ts'
import type { KeptContacts } from './kept-contacts.ts'

/** Why an answer is one that was kept on this device, and from when. */
export interface Outage {
  code: ApiErrorCode
  /** Milliseconds since 1970. */
  readAt: number
}

/** A list, or its next page. */
export interface Listed {
  contacts: readonly Contact[]
  /** To go on from; null: that is all. */
  after: string | null
  /** How many there are in all; null where that was not asked. */
  total: number | null
  /** Who reads it; null where that was not asked. */
  user: ProtectedData['user'] | null
  /** Null: as it is now. */
  outage: Outage | null
}

/** A contact. */
export interface Opened {
  contact: ContactDetails
  /** Where it was kept with one. */
  photo: string | null
  /** Whether nothing but what the list shows is known of it. */
  isPartial: boolean
  outage: Outage | null
}

/** All contacts, from the first. */
const BEGINNING: ContactQuery = { search: '', after: null, company: null }

const isBeginning = ({ search, after, company }: ContactQuery): boolean =>
  search === '' && after === null && company === null

/**
 * Reads contacts from the bridge and keeps them; where nobody answers, gives what was kept. All
 * its methods give null if the session came to its end, or was aborted, meanwhile.
 */
export class ContactsReader {
  readonly session: Session
  readonly #kept: KeptContacts
  /** Why what is kept is read, without asking first: whoever types should not wait for a time limit. */
  outage: ApiErrorCode | null = null

  /** What `begin` has asked for. */
  #begun: { sid: string; listed: Promise<Listed | null> } | null = null

  constructor(session: Session, kept: KeptContacts) {
    this.session = session
    this.#kept = kept
  }

  /**
   * A list, from its beginning or from `after`.
   * @param anew whether the bridge is asked although it did not answer last time
   * @param shown how many contacts of it are shown already: the beginning is read that far again,
   * so that whoever has come far in the list stays there. It comes whole, or as it was kept.
   * @throws {ApiError}
   */
  async list(
    query: ContactQuery,
    signal: AbortSignal,
    anew = false,
    shown = 0,
  ): Promise<Listed | null> {
    const begun = this.#begun
    this.#begun = null
    const isThat = isBeginning(query) && !anew && shown === 0
    if (begun && isThat && this.#isStill(begun.sid)) {
      const listed = await begun.listed
      return signal.aborted ? null : listed
    }
    return this.#list(query, signal, anew, shown)
  }

  /**
   * Asks for the list before there is anybody to show it: the code for that may be on its way, too.
   * The answer is for the first that asks for just this in the same session.
   */
  begin(): void {
    const { current } = this.session
    if (!current) return
    const listed = this.#list(BEGINNING, new AbortController().signal, false, 0)
    // It is told to whoever asks.
    listed.catch(() => undefined)
    this.#begun = { sid: current.sid, listed }
  }

  #list(
    query: ContactQuery,
    signal: AbortSignal,
    anew: boolean,
    shown: number,
  ): Promise<Listed | null> {
    return this.#read<Listed>(
      signal,
      anew || query.after !== null,
      (sid) =>
        query.after === null
          ? this.#beginning(query, shown, sid, signal)
          : this.#page(query, query.after, sid, signal),
      async (code) => {
        // In the midst of a list that is the bridge's, another one's is of no use.
        const kept =
          query.after === null ? await this.#kept.list(query.company, query.search) : null
        if (!kept) return null
        const { contacts, readAt } = kept
        return { contacts, after: null, total: null, user: null, outage: { code, readAt } }
      },
    )
  }

  /** @throws {ApiError} `not_found` for what is not there for this user */
  contact(address: ContactAddress, signal: AbortSignal): Promise<Opened | null> {
    return this.#read<Opened>(
      signal,
      false,
      async (sid) => {
        try {
          const contact = await readContact(this.session, address, signal)
          if (!contact) return null
          if (this.#isStill(sid)) void this.#kept.keepContact(sid, address.company, contact)
          return { contact, photo: null, isPartial: false, outage: null }
        } catch (error) {
          if (error instanceof ApiError && error.code === 'not_found' && this.#isStill(sid)) {
            void this.#kept.forget(sid, address)
          }
          throw error
        }
      },
      async (code) => {
        const kept = await this.#kept.contact(address)
        if (!kept) return null
        const { contact, photo, readAt, isWhole } = kept
        return { contact, photo, isPartial: !isWhole, outage: { code, readAt } }
      },
    )
  }

  /** @throws {ApiError} `not_found` if there is none */
  async photo(address: ContactAddress, signal: AbortSignal): Promise<string | null> {
    const sid = this.session.current?.sid
    const photo = await readPhoto(this.session, address.id, signal)
    if (photo !== null && sid !== undefined && this.#isStill(sid)) {
      void this.#kept.keepPhoto(sid, address, photo)
    }
    return photo
  }

  /** @throws {ApiError} `odoo_forbidden` and `odoo_refused` have Odoo's own words */
  async change(
    address: ContactAddress,
    change: ContactChange,
    signal: AbortSignal,
  ): Promise<ContactDetails | null> {
    const sid = this.session.current?.sid
    const contact = await changeContact(this.session, address, change, signal)
    if (contact && sid !== undefined && this.#isStill(sid)) {
      void this.#kept.keepContact(sid, address.company, contact)
    }
    return contact
  }

  async #beginning(
    query: ContactQuery,
    shown: number,
    sid: string,
    signal: AbortSignal,
  ): Promise<Listed | null> {
    const { search, company } = query
    const sub = this.session.current?.sub
    const data = search === '' ? await readProtectedData(this.session, company, signal) : null
    const first = search === '' ? data : await readContacts(this.session, query, signal)
    if (!first) return null
    let { contacts, after } = first
    // No more than is kept: what an outage showed is there again, and all devices of an office,
    // which come back at one moment, ask Odoo for twenty pages each at most, one after the other.
    const enough = Math.min(shown, MOST_LISTED)
    while (after !== null && contacts.length < enough) {
      const page = await readContacts(this.session, { ...query, after }, signal)
      // Another user's contacts must not be among them.
      if (!page || this.session.current?.sub !== sub) return null
      const longer = joinPages(contacts, page.contacts)
      // A page that brings nobody new leads nowhere.
      if (longer.length === contacts.length) break
      contacts = longer
      after = page.after
    }
    // What is found is not kept before it is opened.
    if (data && this.#isStill(sid)) {
      void this.#kept.keepFirst(sid, company, { ...data, contacts, after })
    }
    const { total, user } = data ?? { total: null, user: null }
    return { contacts, after, total, user, outage: null }
  }

  async #page(
    query: ContactQuery,
    after: string,
    sid: string,
    signal: AbortSignal,
  ): Promise<Listed | null> {
    const page = await readContacts(this.session, query, signal)
    if (page && query.search === '' && this.#isStill(sid)) {
      void this.#kept.keepPage(sid, query.company, after, page)
    }
    return page && { ...page, total: null, user: null, outage: null }
  }

  async #read<Answer>(
    signal: AbortSignal,
    anew: boolean,
    live: (sid: string) => Promise<Answer | null>,
    kept: (code: ApiErrorCode) => Promise<Answer | null>,
  ): Promise<Answer | null> {
    const known = anew ? null : this.outage
    if (known !== null) {
      const answer = await kept(known)
      if (answer) return signal.aborted ? null : answer
    }
    try {
      const sid = await this.#signedIn()
      const answer = sid === null ? null : await live(sid)
      if (answer) this.outage = null
      return answer
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isOutage) throw error
      const answer = await kept(error.code)
      if (!answer) throw error
      this.outage = error.code
      return signal.aborted ? null : answer
    }
  }

  /**
   * The session that is going to read: known before, so that what it reads is never taken for
   * another's.
   */
  async #signedIn(): Promise<string | null> {
    try {
      if (!this.session.current && !(await this.session.restore())) return null
    } catch (error) {
      const known = errorWithoutAnswer(error)
      if (known) throw known
      return null
    }
    return this.session.current?.sid ?? null
  }

  #isStill(sid: string): boolean {
    return this.session.current?.sid === sid
  }
}
