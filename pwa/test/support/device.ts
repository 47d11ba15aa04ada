import { IDBFactory } from 'fake-indexeddb'
import 'fake-indexeddb/auto'
import type { Test } from 'tap'
import type { Contact, ContactDetails, ProtectedData } from '@drawbridge/bridge/contract'
import type { Session } from '../../src/auth/index.ts'
import { ContactsReader } from '../../src/offline/contacts-reader.ts'
import { Keeper } from '../../src/offline/keeper.ts'
import { KeptContacts } from '../../src/offline/kept-contacts.ts'
import { openBrowser } from './browser.ts'
import type { Browser } from './browser.ts'

/** What a browser stores beside its database. */
export class MemoryStorage implements Storage {
  readonly #entries = new Map<string, string>()
  /** Every writing fails, as it does where there is no room. */
  isFull = false

  get length(): number {
    return this.#entries.size
  }

  key(index: number): string | null {
    return [...this.#entries.keys()][index] ?? null
  }

  getItem(key: string): string | null {
    return this.#entries.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    if (this.isFull) throw new Error('QuotaExceededError')
    this.#entries.set(key, value)
  }

  removeItem(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }
}

/** The app in one tab. */
export interface Tab {
  session: Session
  keeper: Keeper
  kept: KeptContacts
  reader: ContactsReader
  /** How often it was told that nothing kept may be seen. */
  wiped: () => number
  /** The tab is closed: nothing more comes of it. */
  close: () => void
}

/** A device: a browser with its database, and a bridge that has contacts. */
export interface Device {
  browser: Browser
  storage: MemoryStorage
  tab: () => Tab
  /** A tab with somebody signed in. */
  signedIn: (login?: string, more?: { persistent?: boolean }) => Promise<Tab>
  /** All that lies on the device. */
  rows: () => Promise<Record<string, unknown[]>>
}

export const never = new AbortController().signal
export const ALL = { search: '', after: null, company: null }

export const row = (id: number, more: Partial<Contact> = {}): Contact => ({
  id,
  name: `Contact ${String(id).padStart(4, '0')}`,
  email: `${id}@example.com`,
  phone: `+32 2 ${id}`,
  city: 'Ghent',
  company: null,
  is_company: false,
  photo: false,
  ...more,
})

export const details = (id: number, more: Partial<ContactDetails> = {}): ContactDetails => ({
  ...row(id),
  job: 'Baker',
  website: null,
  address: ['Street 1', 'Ghent'],
  may_edit: true,
  ...more,
})

export const firstPage = (more: Partial<ProtectedData> = {}): ProtectedData => ({
  user: { uid: 2, name: 'Ann', login: 'ann', language: 'en', companies: [{ id: 1, name: 'One' }] },
  contacts: [row(1), row(2)],
  total: 4,
  after: 'two',
  ...more,
})

/** A page of the bridge for each path. */
function answer(path: string): { status: number; json: unknown } | null {
  const { pathname, searchParams } = new URL(path, 'http://bridge')
  if (pathname === '/api/protected/data') return { status: 200, json: firstPage() }
  if (pathname === '/api/contacts') {
    const contacts = searchParams.get('search') === null ? [row(3), row(4)] : [row(9)]
    return { status: 200, json: { contacts, after: null } }
  }
  const id = Number(pathname.replace('/api/contacts/', ''))
  return Number.isInteger(id) ? { status: 200, json: details(id) } : null
}

export async function openDevice(t: Test): Promise<Device> {
  globalThis.indexedDB = new IDBFactory()
  Object.defineProperty(navigator, 'onLine', { value: true, configurable: true })
  t.teardown(() => Reflect.deleteProperty(navigator, 'onLine'))
  const browser = await openBrowser(t)
  browser.bridge.answer = answer
  const storage = new MemoryStorage()
  const now = () => browser.clock
  const tab = (): Tab => {
    const session = browser.tab()
    const keeper = new Keeper(session, { storage, now })
    const kept = new KeptContacts(keeper, now)
    let wiped = 0
    keeper.addEventListener('wiped', () => wiped++)
    const closing = new AbortController()
    keeper.follow(closing.signal)
    const close = () => {
      closing.abort()
      session.close()
    }
    t.teardown(close)
    return {
      session,
      keeper,
      kept,
      reader: new ContactsReader(session, kept),
      wiped: () => wiped,
      close,
    }
  }
  return {
    browser,
    storage,
    tab,
    signedIn: async (login = 'ann', more = {}) => {
      const opened = tab()
      await opened.session.login({ login, password: `${login}'s`, ...more })
      return opened
    },
    rows: async () => {
      const found: Record<string, unknown[]> = {}
      if (!(await indexedDB.databases()).some(({ name }) => name === 'drawbridge-offline')) {
        return found
      }
      const database = await request(indexedDB.open('drawbridge-offline'))
      for (const name of database.objectStoreNames) {
        const rows = await request(database.transaction(name).objectStore(name).getAll())
        if (rows.length > 0) found[name] = rows
      }
      database.close()
      return found
    },
  }
}

const request = <Result>(asked: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => {
      resolve(asked.result)
    }
    asked.onerror = () => {
      reject(new Error('The database failed.', { cause: asked.error }))
    }
  })
