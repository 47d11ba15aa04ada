import type {
  Contact,
  ContactDetails,
  ContactsPage,
  ProtectedData,
} from '@drawbridge/bridge/contract'
import type { ContactAddress } from '../api/contacts.ts'
import type { KeptContact, Transaction } from './database.ts'
import { joinPages } from './join-pages.ts'
import type { Keeper } from './keeper.ts'

/** Contacts of one list. */
export const MOST_LISTED = 1000
/** Contacts that were opened; the one that was read longest ago goes first. */
export const MOST_OPENED = 100
/** Characters of a photo's address: larger ones are not kept. */
export const LARGEST_PHOTO = 100_000

/** The key of a list, or the beginning of that of a contact. */
const keyOf = (company: number | null, id?: number): string => `${company ?? ''}:${id ?? ''}`

/** What is kept of a list. */
export interface KeptAnswer {
  contacts: Contact[]
  /** When it was read: milliseconds since 1970. */
  readAt: number
}

/** The contacts that were read last, on this device. */
export class KeptContacts {
  readonly #keeper: Keeper
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(keeper: Keeper, now: () => number = () => Date.now()) {
    this.#keeper = keeper
    this.#now = now
  }

  /** Keeps the beginning of a list, in place of what was kept of it. @param sid that read it */
  keepFirst(sid: string, company: number | null, data: ProtectedData): Promise<void> {
    const { after, user } = data
    const contacts = data.contacts.slice(0, MOST_LISTED)
    return this.#keeper.write(sid, async (kept, owner) => {
      await kept.objectStore('owner').put({ ...owner, profile: user }, 'owner')
      await kept
        .objectStore('lists')
        .put({ company, contacts, after, readAt: this.#now() }, keyOf(company))
    })
  }

  /** Keeps the page of a list that came after `position`, if what is kept ends there. */
  keepPage(
    sid: string,
    company: number | null,
    position: string,
    { contacts, after }: ContactsPage,
  ): Promise<void> {
    return this.#keeper.write(sid, async (kept) => {
      const lists = kept.objectStore('lists')
      const list = await lists.get(keyOf(company))
      if (list?.after !== position || list.contacts.length >= MOST_LISTED) return
      const all = joinPages(list.contacts, contacts).slice(0, MOST_LISTED)
      await lists.put({ ...list, contacts: all, after }, keyOf(company))
    })
  }

  /** Keeps a contact that was opened, and puts its row in the list right. */
  keepContact(sid: string, company: number | null, contact: ContactDetails): Promise<void> {
    return this.#keeper.write(sid, async (kept) => {
      const store = kept.objectStore('contacts')
      const key = keyOf(company, contact.id)
      const photo = contact.photo ? ((await store.get(key))?.photo ?? null) : null
      await store.put({ company, contact, photo, readAt: this.#now() }, key)
      await this.#replaceRow(kept, company, contact.id, contact)
      const tooMany = (await store.count()) - MOST_OPENED
      let oldest = tooMany > 0 ? await store.index('readAt').openCursor() : null
      for (let left = tooMany; oldest && left > 0; left--) {
        await oldest.delete()
        oldest = await oldest.continue()
      }
    })
  }

  /** Keeps the photo of a contact that is kept. */
  keepPhoto(sid: string, { id, company }: ContactAddress, photo: string): Promise<void> {
    return this.#keeper.write(sid, async (kept) => {
      const store = kept.objectStore('contacts')
      const found = await store.get(keyOf(company, id))
      if (!found || photo.length > LARGEST_PHOTO) return
      await store.put({ ...found, photo }, keyOf(company, id))
    })
  }

  /** Forgets a contact that is not there for this user any more. */
  forget(sid: string, { id, company }: ContactAddress): Promise<void> {
    return this.#keeper.write(sid, async (kept) => {
      await kept.objectStore('contacts').delete(keyOf(company, id))
      await this.#replaceRow(kept, company, id, null)
    })
  }

  /**
   * What is kept of a company's contacts: those of its list, and those that were opened.
   * @param search words that all have to stand somewhere in a contact
   * @returns null where there is nothing
   */
  list(company: number | null, search: string): Promise<KeptAnswer | null> {
    return this.#keeper.read(async (kept) => {
      const list = await kept.objectStore('lists').get(keyOf(company))
      if (!list) return null
      const opened = await this.#opened(kept, company)
      const ids = new Set(list.contacts.map(({ id }) => id))
      const others = opened.map(({ contact }) => contact).filter(({ id }) => !ids.has(id))
      const all = [...list.contacts, ...others].filter(holds(search))
      all.sort((a, b) => a.name.localeCompare(b.name))
      return { contacts: all, readAt: list.readAt }
    })
  }

  /**
   * A contact as it was when it was opened; of one that was not, what its list says.
   * @returns null where there is nothing. `isWhole` where it was opened
   */
  contact({
    id,
    company,
  }: ContactAddress): Promise<(Omit<KeptContact, 'company'> & { isWhole: boolean }) | null> {
    return this.#keeper.read(async (kept) => {
      const opened = await kept.objectStore('contacts').get(keyOf(company, id))
      if (opened) {
        const { contact, photo, readAt } = opened
        return { contact: { ...contact, may_edit: false }, photo, readAt, isWhole: true }
      }
      const list = await kept.objectStore('lists').get(keyOf(company))
      const row = list?.contacts.find((each) => each.id === id)
      if (!list || !row) return null
      const unknown = { job: null, website: null, address: [], photo: false, may_edit: false }
      return { contact: { ...row, ...unknown }, photo: null, readAt: list.readAt, isWhole: false }
    })
  }

  #opened(kept: Transaction<'readonly'>, company: number | null): Promise<KeptContact[]> {
    const prefix = keyOf(company)
    return kept.objectStore('contacts').getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`))
  }

  /** @param row null takes it out */
  async #replaceRow(
    kept: Transaction<'readwrite'>,
    company: number | null,
    id: number,
    row: ContactDetails | null,
  ): Promise<void> {
    const lists = kept.objectStore('lists')
    const list = await lists.get(keyOf(company))
    if (!list?.contacts.some((each) => each.id === id)) return
    const contacts =
      row === null
        ? list.contacts.filter((each) => each.id !== id)
        : list.contacts.map((each) => (each.id === id ? rowOf(row) : each))
    await lists.put({ ...list, contacts }, keyOf(company))
  }
}

/** What a list shows of a contact. */
const rowOf = ({
  id,
  name,
  email,
  phone,
  city,
  company,
  is_company,
  photo,
}: ContactDetails): Contact => ({ id, name, email, phone, city, company, is_company, photo })

/** Whether all words stand somewhere in a contact, as the bridge's search has it. */
function holds(search: string): (contact: Contact) => boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  return ({ name, company, email, phone }) => {
    const text = [name, company, email, phone].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  }
}
