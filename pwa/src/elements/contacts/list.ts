import type { Contact } from '@drawbridge/bridge/contract'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import type { ContactQuery } from '../../api/contacts.ts'
import type { ContactsReader, Listed, Outage } from '../../offline/contacts-reader.ts'
import { joinPages } from '../../offline/join-pages.ts'
import { Reconnecting } from '../../offline/reconnecting.ts'

/**
 * Who shows the list. It sends `profile` once it is known whose contacts these are, and `settled`
 * when a question was answered, or was not.
 */
export interface ListHost extends EventTarget {
  readonly reader: ContactsReader
  /** To work in; null: all of the user's. */
  readonly company: number | null
  /** The list is not as it was. */
  requestUpdate(): void
}

/** The list as far as it was read, and what becomes of it. It asks one question at a time. */
export class ContactsList {
  /** As far as they were read; null before the first answer. */
  contacts: readonly Contact[] | null = null
  /** How many there are, with those that were not read yet. */
  total = 0
  /** When it was read; null before the first answer. */
  loadedAt: Date | null = null
  loading = false
  /** Why the last question was not answered. */
  error: ApiErrorCode | null = null
  /** Where the list is one that was kept on this device: why. */
  outage: Outage | null = null
  /** What these were searched for with: the answer to the last question may be due. */
  search = ''
  /** Where the next page begins; null: that is all. */
  after: string | null = null
  readonly #host: ListHost
  readonly #reconnecting = new Reconnecting()
  /** What is asked for. */
  #asked = ''
  /** Ends what is under way. */
  #asking = new AbortController()

  constructor(host: ListHost) {
    this.#host = host
  }

  /** Reads it, and again whenever the network or the session comes back, until `signal`. */
  follow(signal: AbortSignal): void {
    this.#reconnecting.addEventListener('retry', this.#retry, { signal })
    this.#host.reader.session.addEventListener('signed-in', this.#retry, { signal })
    window.addEventListener('offline', () => void this.#load(true), { signal })
    signal.addEventListener('abort', () => {
      this.#asking.abort()
      this.#reconnecting.stop()
    })
    void this.#load()
  }

  /** Searches for words, as they were typed. */
  find(words: string): void {
    if (words.trim() === this.#asked) return
    this.#asked = words.trim()
    void this.#load()
  }

  /** Reads the next page, if there is one and nothing else is being read. */
  readonly more = (): void => {
    // After an error it waits to be asked: the end of the list is in sight all the time.
    if (this.loading || this.error || this.after === null) return
    void this.#ask(async (query, signal) => {
      const page = await this.#host.reader.list({ ...query, after: this.after }, signal)
      if (page) this.#take({ ...page, contacts: joinPages(this.contacts ?? [], page.contacts) })
    })
  }

  /** Reads it again, behind what is shown. */
  readonly reload = (): void => {
    if (!this.loading) void this.#load(true)
  }

  /** Shows a contact as it is now. */
  replace(contact: Contact): void {
    this.contacts = this.contacts?.map((each) => (each.id === contact.id ? contact : each)) ?? null
    this.#host.requestUpdate()
  }

  readonly #retry = (): void => {
    if (this.outage || this.error === 'offline') this.reload()
  }

  /**
   * What is searched for, from its beginning; as far as it is shown, if it is.
   * @param anew whether the bridge is asked although it did not answer last time
   */
  #load(anew = false): Promise<void> {
    return this.#ask(async (query, signal) => {
      const shown = query.search === this.search ? (this.contacts?.length ?? 0) : 0
      const listed = await this.#host.reader.list(query, signal, anew, shown)
      if (!listed) return
      this.#take(listed)
      this.loadedAt = new Date()
      this.search = query.search
    })
  }

  #take({ contacts, after, total, user, outage }: Listed): void {
    this.contacts = contacts
    this.after = after
    if (total !== null) this.total = total
    if (user) this.#host.dispatchEvent(new CustomEvent('profile', { detail: user }))
    this.outage = outage
    if (outage) this.#reconnecting.again()
    else this.#reconnecting.stop()
  }

  /** One question at a time: the answer to the one before does not matter any more. */
  async #ask(question: (query: ContactQuery, signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#asking.abort()
    const asking = new AbortController()
    this.#asking = asking
    this.loading = true
    this.#host.requestUpdate()
    try {
      const { company } = this.#host
      await question({ search: this.#asked, after: null, company }, asking.signal)
      this.error = null
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (asking.signal.aborted) return
      this.error = error.code
      if (error.code === 'offline') this.#reconnecting.again()
    } finally {
      if (this.#asking === asking) this.loading = false
      this.#host.requestUpdate()
      this.#host.dispatchEvent(new Event('settled'))
    }
  }
}
