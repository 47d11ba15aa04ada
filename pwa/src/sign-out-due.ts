import { browserStorage } from './offline/permission.ts'

const KEY = 'drawbridge-sign-out-due'

/**
 * A sign-out that the bridge could not be told of: the browser's cookie still holds the session, and
 * whoever opens the app next is to be signed out, not in.
 */
export class SignOutDue {
  readonly #storage: Storage | null

  constructor(storage: Storage | null = browserStorage()) {
    this.#storage = storage
  }

  /** The `sid` that is to be ended. */
  get sid(): string | null {
    try {
      return this.#storage?.getItem(KEY) ?? null
    } catch {
      return null
    }
  }

  set sid(sid: string | null) {
    try {
      if (sid === null) this.#storage?.removeItem(KEY)
      else this.#storage?.setItem(KEY, sid)
    } catch {
      // The page says that the bridge was not told; more cannot be done.
    }
  }
}
