import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'

/** Who did something, by the name of a metric. `store` is the bridge's own database. */
export type Party = 'bridge' | 'store' | 'vault' | 'odoo'

/** Something that one request had done. Times are milliseconds. */
export interface Step {
  party: Party
  /** One of a fixed list: nothing that came with a request is ever in it. */
  word: string
  /** Since the request came; below nought for what was done before, and serves it. */
  offset: number
  duration: number
  /** Whether it ended in an error. */
  failed: boolean
}

/** What is kept of one request: whoever loops must not fill the memory, or the header. */
const MOST_STEPS = 32

/** What one request had done, in the order in which it was begun. */
export class Trace {
  /** Steps that there was no room for. */
  omitted = 0
  /** Whether nothing may be told of this request. */
  muted = false
  /** Whether it says when the signing key came from Vault. */
  knowsKey = false
  readonly #since = performance.now()
  readonly #steps: Step[] = []

  /** Those that have ended, in the order in which they began. */
  get steps(): Step[] {
    return this.#steps.toSorted((one, other) => one.offset - other.offset)
  }

  /** Milliseconds since the request came. */
  elapsed(): number {
    return performance.now() - this.#since
  }

  /** How many steps of somebody have ended since the request came. */
  count(party: Party): number {
    return this.#steps.filter((step) => step.party === party && step.offset >= 0).length
  }

  /** Notes what was done before the request came. @param ago milliseconds */
  noteEarlier(party: Party, word: string, ago: number, duration: number): void {
    const offset = this.elapsed() - ago
    this.#add({ party, word, offset, duration, failed: false })
  }

  /**
   * Times one step.
   * @returns what to call at its end, with its word
   */
  begin(party: Party): (word: string, failed: boolean) => void {
    const offset = this.elapsed()
    return (word, failed) => {
      this.#add({ party, word, offset, duration: this.elapsed() - offset, failed })
    }
  }

  #add(step: Step): void {
    if (this.#steps.length === MOST_STEPS) this.omitted++
    else this.#steps.push(step)
  }
}

const traces = new AsyncLocalStorage<Trace>()

/** The trace of the request that this is done for; undefined for what the bridge does by itself. */
export const currentTrace = (): Trace | undefined => traces.getStore()

/** Runs what is done for a request. */
export const within = (trace: Trace, work: () => void): void => {
  traces.run(trace, work)
}
