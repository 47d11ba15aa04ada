/** Milliseconds until it is tried again; the last one from then on. */
const PAUSES = [5_000, 10_000, 20_000, 40_000, 60_000]

/**
 * Says when to try again while nobody answers: sends `retry` when the network comes back, when the
 * user does, and from time to time.
 */
export class Reconnecting extends EventTarget {
  #timer: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #stop: AbortController | null = null

  /** To be called after each try in vain. */
  again(): void {
    // What is read from the device meanwhile was no try, and must not put the next one off.
    if (this.#timer !== undefined) return
    const pause = PAUSES[Math.min(this.#tries++, PAUSES.length - 1)] ?? 0
    // All devices of an office lose a bridge at the same moment, and must not come back at one.
    this.#timer = setTimeout(this.#try, pause * (0.75 + Math.random() / 2))
    if (this.#stop) return
    this.#stop = new AbortController()
    const { signal } = this.#stop
    window.addEventListener('online', this.#try, { signal })
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'visible') this.#try()
      },
      { signal },
    )
  }

  /** There is an answer, or nobody waits for one any more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stop?.abort()
    this.#stop = null
    this.#tries = 0
  }

  readonly #try = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.dispatchEvent(new Event('retry'))
  }
}
