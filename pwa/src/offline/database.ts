import { openDB } from 'idb'
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb'
import type { Contact, ContactDetails, OdooUserProfile } from '@drawbridge/bridge/contract'

/** Whose contacts are kept. Times are milliseconds since 1970 by this machine's clock. */
export interface Owner {
  /** The session that read them. Nothing is kept of two at a time. */
  sid: string
  /** Odoo's id of the user. */
  sub: string
  /** What the page says of them; null until that was read. */
  profile: OdooUserProfile | null
  /** When the bridge last stood by the session. */
  confirmedAt: number
  /** They are shown until then, and no longer. */
  until: number
}

/** The list of a company, as far as it was read. */
export interface KeptList {
  /** Null: all of the user's companies. */
  company: number | null
  contacts: Contact[]
  /** Where the next page begins that would fit. */
  after: string | null
  readAt: number
}

/** A contact that was opened. */
export interface KeptContact {
  company: number | null
  contact: ContactDetails
  /** As an address that holds it. */
  photo: string | null
  readAt: number
}

interface Schema extends DBSchema {
  owner: { key: 'owner'; value: Owner }
  lists: { key: string; value: KeptList }
  contacts: { key: string; value: KeptContact; indexes: { readAt: number } }
  /** Sessions that are over, by `sid`, so that what they read late is not kept. When it was noted. */
  ended: { key: string; value: number }
}

const STORES = ['owner', 'lists', 'contacts', 'ended'] as const

/** All of what is kept, in one transaction. */
export type Transaction<Mode extends IDBTransactionMode> = IDBPTransaction<
  Schema,
  typeof STORES,
  Mode
>

/**
 * The browser's database. Each piece of work is one transaction over all of it, so the browser lets
 * one after the other in, of all tabs: what holds at its beginning holds until its end.
 */
export class OfflineDatabase {
  #opened: Promise<IDBPDatabase<Schema>> | null = null

  /** @throws whatever the browser says: it may have none, or no room */
  read<Answer>(work: (kept: Transaction<'readonly'>) => Promise<Answer>): Promise<Answer> {
    return this.#run('readonly', work)
  }

  /** Where `work` fails, nothing of it was done. @throws as `read` does */
  write<Answer>(work: (kept: Transaction<'readwrite'>) => Promise<Answer>): Promise<Answer> {
    return this.#run('readwrite', work)
  }

  async #run<Mode extends 'readonly' | 'readwrite', Answer>(
    mode: Mode,
    work: (kept: Transaction<Mode>) => Promise<Answer>,
  ): Promise<Answer> {
    const database = await this.#open()
    // Strict: what was wiped must not come back when the power fails.
    const kept = database.transaction(STORES, mode, { durability: 'strict' })
    try {
      const answer = await work(kept)
      await kept.done
      return answer
    } catch (error) {
      // Whichever of the two failed first, the other must not be an error that nobody hears.
      kept.done.catch(() => undefined)
      try {
        kept.abort()
      } catch {
        // It is over already.
      }
      throw error
    }
  }

  #open(): Promise<IDBPDatabase<Schema>> {
    this.#opened ??= openDB<Schema>('drawbridge-offline', 1, {
      upgrade: (database) => {
        database.createObjectStore('owner')
        database.createObjectStore('lists')
        database.createObjectStore('contacts').createIndex('readAt', 'readAt')
        database.createObjectStore('ended')
      },
      // A newer version of the app in another tab must not wait for this one.
      blocking: () => {
        this.#close()
      },
      terminated: () => {
        this.#opened = null
      },
    }).catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    return this.#opened
  }

  #close(): void {
    this.#opened?.then(
      (database) => {
        database.close()
      },
      () => undefined,
    )
    this.#opened = null
  }
}
