const KEY = 'drawbridge-offline'
const REFUSED_KEY = 'drawbridge-offline-off'
const WIPING = 'wiping'

/**
 * Which session's contacts may be shown from this device: a mark beside them, because it is taken
 * away at once, before whatever happens next, while a database only gets round to it. What is kept
 * without it counts as wiped.
 */
export class Permission {
  readonly #storage: Storage | null

  /** @param storage null: nothing is ever permitted */
  constructor(storage: Storage | null) {
    this.#storage = storage
  }

  /** The `sid` that has it. */
  get sid(): string | null {
    const value = this.#read(KEY)
    return value === WIPING ? null : value
  }

  /** Whether a wipe was begun and not finished. */
  get isWiping(): boolean {
    return this.#read(KEY) === WIPING
  }

  /** @throws whatever the browser says */
  grant(sid: string): void {
    if (!this.#storage) throw new Error('There is nowhere to note that.')
    this.#storage.setItem(KEY, sid)
  }

  /** Takes it away, and notes that there is something to wipe. */
  withdraw(): void {
    try {
      this.#storage?.setItem(KEY, WIPING)
    } catch {
      // No room for the note. That there is no permission is enough.
      this.#storage?.removeItem(KEY)
    }
  }

  /** What was to be wiped is. */
  wiped(): void {
    if (this.isWiping) this.#storage?.removeItem(KEY)
  }

  /** Whether the user wants nothing kept. */
  get isRefused(): boolean {
    return this.#read(REFUSED_KEY) !== null
  }

  set isRefused(refused: boolean) {
    if (refused) this.#storage?.setItem(REFUSED_KEY, '1')
    else this.#storage?.removeItem(REFUSED_KEY)
  }

  /** Whether it was another tab that took it away. */
  isWithdrawal({ key, newValue }: StorageEvent): boolean {
    // A null key: the browser's data were cleared.
    return key === null || (key === KEY && (newValue === null || newValue === WIPING))
  }

  #read(key: string): string | null {
    try {
      return this.#storage?.getItem(key) ?? null
    } catch {
      return null
    }
  }
}

/** The browser's storage; null where it has none for this page. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage
  } catch {
    return null
  }
}
