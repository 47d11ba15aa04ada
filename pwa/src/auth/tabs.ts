import type { AccessToken } from './access-token.ts'

/** What one tab tells the others. It never leaves the browser's memory. */
export type TabMessage =
  | { type: 'token'; token: AccessToken }
  | { type: 'signed-out'; reason: 'logout' | 'refused'; sid: string | null }

/**
 * The other tabs of this browser that have the same bridge. Works without Web Locks and
 * BroadcastChannel too: then every tab is alone, and the bridge's grace period serves them all.
 */
export class Tabs {
  readonly #name: string
  readonly #lockTimeout: number
  readonly #channel: BroadcastChannel | undefined

  /**
   * @param name the same in all tabs that belong together
   * @param lockTimeout milliseconds
   * @param receive is given what another tab said
   */
  constructor(name: string, lockTimeout: number, receive: (message: TabMessage) => void) {
    this.#name = name
    this.#lockTimeout = lockTimeout
    if (!('BroadcastChannel' in globalThis)) return
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = (event: MessageEvent<TabMessage>) => {
      receive(event.data)
    }
  }

  /** Tells the other tabs. */
  tell(message: TabMessage): void {
    this.#channel?.postMessage(message)
  }

  /** Stops listening. */
  close(): void {
    this.#channel?.close()
  }

  /**
   * Runs `work` while no other tab runs its own. A tab that hangs with the lock in its hand costs
   * the time limit: then those who waited take turns by a second lock, and where somebody hangs with
   * that one too, `work` runs without. `work` must end by itself, and must not call back into the
   * app: whatever that waits for would be waited for under the lock.
   * @param work is told whether another tab had the lock until now
   */
  async alone<T>(work: (waited: boolean) => Promise<T>): Promise<T> {
    const locks = 'locks' in navigator ? navigator.locks : undefined
    if (!locks) return work(false)
    let waited = false
    let release = await this.#acquire(locks, this.#name, { ifAvailable: true })
    if (!release) {
      waited = true
      release =
        (await this.#queue(locks, this.#name)) ?? (await this.#queue(locks, `${this.#name} late`))
    }
    try {
      return await work(waited)
    } finally {
      release?.()
    }
  }

  /** As below, within the time limit. */
  #queue(locks: LockManager, name: string): Promise<(() => void) | null> {
    return this.#acquire(locks, name, { signal: AbortSignal.timeout(this.#lockTimeout) })
  }

  /** @returns how to let go of the lock, or null if it could not be had */
  #acquire(locks: LockManager, name: string, options: LockOptions): Promise<(() => void) | null> {
    return new Promise((resolve) => {
      locks
        .request(name, options, (lock) => {
          if (!lock) {
            resolve(null)
            return
          }
          return new Promise<void>((release) => {
            resolve(release)
          })
        })
        .catch(() => {
          resolve(null)
        })
    })
  }
}
