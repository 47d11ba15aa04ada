import type { CurrentSession, Session } from '../auth/index.ts'
import type { OfflineDatabase, Owner, Transaction } from './database.ts'
import { browserStorage, Permission } from './permission.ts'

const DAY = 86_400_000

/** Milliseconds that kept contacts are shown after the bridge last stood by the session. */
export const LONGEST = 7 * DAY

/** The most that a timer takes, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Milliseconds that the start of the app waits for a browser's database. A time, because there is no
 * event to wait for: a database that is being deleted or upgraded stays blocked for as long as
 * another tab holds it open or works at it, and no browser says when that tab will be done, or that
 * it hangs.
 */
const PATIENCE = 2000

export interface KeeperOptions {
  /** Default: the browser's. */
  storage?: Storage | null
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: () => number
}

/**
 * Decides what is kept on this device, for which session and for how long, and wipes it. Sends
 * `wiped` as soon as nothing that was kept may be seen any more, here or in another tab.
 *
 * A browser that has no database, or no room, keeps nothing, and nobody is told: the app works
 * without.
 */
export class Keeper extends EventTarget {
  readonly #session: Session
  readonly #permission: Permission
  #database: Promise<OfflineDatabase> | null = null
  readonly #now: () => number
  /** The session that this tab kept for last. */
  #sid: string | null = null
  /** What is read may be there before there is a place for it. */
  #beginning = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Aborted when nobody needs to be told any more. */
  #following: AbortSignal | null = null

  constructor(session: Session, options: KeeperOptions = {}) {
    super()
    this.#session = session
    this.#permission = new Permission(
      options.storage === undefined ? browserStorage() : options.storage,
    )
    this.#now = options.now ?? (() => Date.now())
  }

  /** Follows the session, the other tabs and the clock until `signal`. */
  follow(signal: AbortSignal): void {
    this.#following = signal
    const session = this.#session
    const wipe = () => void this.wipe('session')
    session.addEventListener('signed-in', () => void this.begin(), { signal })
    session.addEventListener('signed-out', wipe, { signal })
    session.addEventListener('logout', wipe, { signal })
    session.addEventListener(
      'user-changed',
      () => {
        this.#beginning = this.wipe('session').then(() => this.#begin())
      },
      { signal },
    )
    session.addEventListener(
      'refreshed',
      ({ detail: { outcome } }) => {
        if (outcome === 'refused') wipe()
        if (outcome === 'renewed') void this.begin()
      },
      { signal },
    )
    signal.addEventListener('abort', () => {
      clearTimeout(this.#timer)
    })
    if (!('document' in globalThis)) return
    window.addEventListener(
      'storage',
      (event) => {
        if (this.#permission.isWithdrawal(event)) this.dispatchEvent(new Event('wiped'))
      },
      { signal },
    )
    // Timers sleep with the machine.
    document.addEventListener('visibilitychange', () => void this.open(), { signal })
  }

  /** Finishes what was begun and not finished. To be awaited before anything is shown. */
  async settle(): Promise<void> {
    if (this.#permission.isWiping) await this.#inTime(this.#clear([]))
  }

  /** @returns whose contacts may be shown now; null where there are none */
  open(): Promise<Owner | null> {
    return this.read((_kept, owner) => Promise.resolve(owner))
  }

  /** Whether the user lets this device keep anything. */
  get isWanted(): boolean {
    return !this.#permission.isRefused
  }

  /** @param wanted false wipes what is there */
  async want(wanted: boolean): Promise<void> {
    this.#permission.isRefused = !wanted
    await (wanted ? this.begin() : this.wipe('unwanted'))
  }

  /** Keeps for the session that there is now, and not for any other; for longer, if it does so. */
  readonly begin = (): Promise<void> => {
    this.#beginning = this.#begin()
    return this.#beginning
  }

  async #begin(): Promise<void> {
    const current = this.#session.current
    if (!current) return
    const confirmedAt = this.#now()
    const until = Math.min(confirmedAt + LONGEST, current.sessionExpiresAt)
    if (!this.isWanted || !current.persistent || until <= confirmedAt) {
      await this.wipe('unwanted')
      return
    }
    this.#sid = current.sid
    try {
      await (await this.#open()).write((kept) => this.#take(kept, current, { confirmedAt, until }))
      this.#wakeAt(until)
    } catch {
      // Then nothing is kept.
    }
  }

  /**
   * Wipes all of it. Nothing of it may be seen from this call on, whatever becomes of it: what is
   * not finished is finished when the app starts again.
   * @param because `session`: it is over, and what it reads late is not kept either
   */
  async wipe(because: 'session' | 'unwanted' | 'time'): Promise<void> {
    const permission = this.#permission
    const had = permission.sid !== null
    const ended =
      because === 'session'
        ? [permission.sid, this.#sid]
            .filter((sid) => sid !== null)
            .filter((sid) => sid !== this.#session.current?.sid)
        : []
    clearTimeout(this.#timer)
    // Who keeps nothing should not have a database made for wiping it.
    if (!had && !permission.isWiping && ended.length === 0) return
    permission.withdraw()
    if (had) this.dispatchEvent(new Event('wiped'))
    await this.#inTime(this.#clear(ended))
  }

  /**
   * Reads what is kept, if it may be shown; wipes what may not.
   * @returns null where there is nothing, or the browser does not give it
   */
  async read<Answer>(
    work: (kept: Transaction<'readonly'>, owner: Owner) => Promise<Answer | null>,
  ): Promise<Answer | null> {
    // Who asks for nothing should not make a database.
    if (!this.#mayShow()) return null
    const reading = this.#read(async (kept) => {
      const owner = await kept.objectStore('owner').get('owner')
      if (!owner) return { late: false, answer: null }
      if (this.#isLate(owner)) return { late: true, answer: null }
      if (!this.#isOwner(owner)) return { late: false, answer: null }
      this.#wakeAt(owner.until)
      return { late: false, answer: await work(kept, owner) }
    })
    const read = await this.#inTime(reading)
    if (read?.late === true) void this.wipe('time')
    // Signed out meanwhile.
    return this.#mayShow() ? (read?.answer ?? null) : null
  }

  /**
   * Keeps something that a session has read, if that is the one that is kept for at that moment.
   * @param sid of the session that read it
   */
  async write(
    sid: string,
    work: (kept: Transaction<'readwrite'>, owner: Owner) => Promise<void>,
  ): Promise<void> {
    await this.#beginning
    if (this.#permission.sid !== sid) return
    try {
      await (
        await this.#open()
      ).write(async (kept) => {
        const owner = await kept.objectStore('owner').get('owner')
        if (owner?.sid !== sid || !this.#isOwner(owner) || this.#isLate(owner)) return
        await work(kept, owner)
      })
    } catch {
      // Then this is not kept.
    }
  }

  /** It is loaded when there is something to keep: nobody waits for it to sign in. */
  #open(): Promise<OfflineDatabase> {
    this.#database ??= import('./database.ts').then(
      ({ OfflineDatabase }) => new OfflineDatabase(),
      (error: unknown) => {
        this.#database = null
        throw error
      },
    )
    return this.#database
  }

  async #read<Answer>(work: (kept: Transaction<'readonly'>) => Promise<Answer>): Promise<Answer> {
    return (await this.#open()).read(work)
  }

  /** Makes a session the owner, and clears what was another's. */
  async #take(
    kept: Transaction<'readwrite'>,
    { sid, sub }: CurrentSession,
    times: Pick<Owner, 'confirmedAt' | 'until'>,
  ): Promise<void> {
    const isOver = (await kept.objectStore('ended').get(sid)) !== undefined
    // Signed out, here, while others had their turn at the database.
    if (isOver || this.#session.current?.sid !== sid || !this.isWanted) return
    const owner = await kept.objectStore('owner').get('owner')
    const isSame = owner?.sid === sid && this.#permission.sid === sid
    if (!isSame) await this.#empty(kept)
    const profile = isSame ? owner.profile : null
    await kept.objectStore('owner').put({ sid, sub, profile, ...times }, 'owner')
    this.#permission.grant(sid)
  }

  /** Whether this is whose contacts may be shown, and nobody else is signed in. */
  #isOwner(owner: Owner): boolean {
    const current = this.#session.current
    return owner.sid === this.#permission.sid && (current === null || current.sid === owner.sid)
  }

  #mayShow(): boolean {
    return this.#permission.sid !== null
  }

  #isLate({ confirmedAt, until }: Owner): boolean {
    const now = this.#now()
    // A clock that was put back a day says nothing about how old they are.
    return now >= until || now < confirmedAt - DAY
  }

  /** @param ended sessions that are over */
  async #clear(ended: readonly string[]): Promise<void> {
    const permission = this.#permission
    await (
      await this.#open()
    ).write(async (kept) => {
      const { sid } = permission
      // Another session is being kept for since, and had it cleared.
      if (sid !== null && !ended.includes(sid)) return
      // A tab that has not heard of the end gave it back.
      if (sid !== null) permission.withdraw()
      await this.#empty(kept)
      await this.#note(kept, ended)
    })
    permission.wiped()
  }

  async #empty(kept: Transaction<'readwrite'>): Promise<void> {
    await kept.objectStore('owner').clear()
    await kept.objectStore('lists').clear()
    await kept.objectStore('contacts').clear()
  }

  async #note(kept: Transaction<'readwrite'>, ended: readonly string[]): Promise<void> {
    const store = kept.objectStore('ended')
    const now = this.#now()
    // By then no token of theirs is good any more, so nothing can come late.
    for (let each = await store.openCursor(); each; each = await each.continue()) {
      if (each.value < now - DAY) await each.delete()
    }
    for (const sid of ended) await store.put(now, sid)
  }

  /** @returns null where the browser refuses, or takes too long: whoever waits has a page to show */
  async #inTime<Answer>(work: Promise<Answer>): Promise<Answer | null> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, null)
    })
    try {
      return await Promise.race([work.catch(() => null), late])
    } finally {
      clearTimeout(timer)
    }
  }

  #wakeAt(until: number): void {
    clearTimeout(this.#timer)
    if (this.#following?.aborted !== false) return
    const delay = Math.min(Math.max(0, until - this.#now()), LONGEST_TIMER)
    this.#timer = setTimeout(() => void this.open(), delay)
  }
}
