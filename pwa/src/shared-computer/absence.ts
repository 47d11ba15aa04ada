import type { CurrentSession, Session } from '../auth/index.ts'
import { browserStorage } from '../offline/permission.ts'

/** Milliseconds without a sign of its user, after which a session of a shared computer is ended. */
export const PATIENCE = 15 * 60_000

/** Milliseconds before that, when the user is warned. */
export const WARNING = 60_000

/** Milliseconds within which a second sign says nothing new. */
const STEP = 1000

const KEY = 'drawbridge-last-sign'

/** What somebody who sits there does. */
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove'] as const

/**
 * Notices that the user of a shared computer has gone, by the signs that they give in any tab, and
 * by the clock: timers sleep with the machine. Sends `warned` a minute before, `back` when they
 * are there after all, and `absent` once.
 */
export class Absence extends EventTarget {
  readonly #session: Pick<Session, 'current'>
  readonly #storage: Storage | null
  readonly #now: () => number
  #listening: AbortController | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Where the browser stores nothing this tab is alone. */
  #last: { sid: string; at: number } | null = null
  #isWarned = false

  /** @param now milliseconds since 1970 */
  constructor(
    session: Pick<Session, 'current'>,
    storage: Storage | null = browserStorage(),
    now: () => number = () => Date.now(),
  ) {
    super()
    this.#session = session
    this.#storage = storage
    this.#now = now
  }

  /**
   * Watches the session that there is now, if it is one of a shared computer.
   * @returns false if its user has been gone for too long already: nothing may be shown
   */
  watch(): boolean {
    const session = this.#shared
    if (!session) {
      this.stop()
      return true
    }
    if (this.#lastSign(session) === null) this.#note(session)
    if (this.#isOver(session)) {
      this.stop()
      return false
    }
    this.#listen()
    this.#check()
    return true
  }

  /** The user is there. */
  stay(): void {
    const session = this.#shared
    if (!session || this.#isOver(session)) return
    this.#note(session)
    this.#check()
  }

  /** Watches no longer. Where nobody is signed in any more, nothing of them is left in the browser. */
  stop(): void {
    this.#listening?.abort()
    this.#listening = null
    clearTimeout(this.#timer)
    this.#isWarned = false
    if (!this.#session.current) this.#forget()
  }

  get #shared(): CurrentSession | null {
    const { current } = this.#session
    return current?.persistent === false ? current : null
  }

  #listen(): void {
    if (this.#listening) return
    this.#listening = new AbortController()
    const { signal } = this.#listening
    for (const sign of SIGNS) {
      window.addEventListener(sign, this.#sign, { signal, passive: true, capture: true })
    }
    // Somebody in another tab; or this page or machine woke up.
    for (const name of ['storage', 'focus', 'pageshow']) {
      window.addEventListener(name, this.#check, { signal })
    }
    document.addEventListener('visibilitychange', this.#check, { signal })
  }

  readonly #sign = (): void => {
    // First: the one who wakes the machine may be somebody else.
    this.#check()
    const session = this.#shared
    // Once there is a question it has to be answered.
    if (!this.#listening || !session || this.#isWarned) return
    if (this.#now() - (this.#lastSign(session) ?? 0) >= STEP) this.#note(session)
  }

  readonly #check = (): void => {
    clearTimeout(this.#timer)
    const session = this.#shared
    if (!session) {
      this.stop()
      return
    }
    if (this.#isOver(session)) {
      this.stop()
      this.dispatchEvent(new Event('absent'))
      return
    }
    const left = PATIENCE - this.#awayFor(session)
    const isWarned = left <= WARNING
    if (isWarned !== this.#isWarned) {
      this.#isWarned = isWarned
      this.dispatchEvent(new Event(isWarned ? 'warned' : 'back'))
    }
    this.#timer = setTimeout(this.#check, isWarned ? left : left - WARNING)
  }

  #isOver(session: CurrentSession): boolean {
    return this.#awayFor(session) >= PATIENCE
  }

  #awayFor(session: CurrentSession): number {
    const last = this.#lastSign(session) ?? this.#now()
    // A sign from the future: the clock was put back, and nobody knows by how much.
    return last > this.#now() + STEP ? PATIENCE : this.#now() - last
  }

  /** When its user was last there; null of a session that was not seen here yet. */
  #lastSign({ sid }: CurrentSession): number | null {
    const own = this.#last?.sid === sid ? this.#last.at : null
    let stored: string | null = null
    try {
      stored = this.#storage?.getItem(KEY) ?? null
    } catch {
      // Then this tab is alone.
    }
    const [storedSid, at] = stored?.split(' ') ?? []
    return storedSid === sid && Number.isFinite(Number(at)) ? Math.max(Number(at), own ?? 0) : own
  }

  #note({ sid }: CurrentSession): void {
    const at = this.#now()
    this.#last = { sid, at }
    try {
      this.#storage?.setItem(KEY, `${sid} ${at}`)
    } catch {
      // Then this tab is alone.
    }
  }

  #forget(): void {
    try {
      this.#storage?.removeItem(KEY)
    } catch {
      // Then there is nothing.
    }
  }
}
