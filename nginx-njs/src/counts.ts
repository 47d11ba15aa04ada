/** Counts for `metrics.ts`, across all workers. */
import type { Decision } from './decision.ts'
import { numberZone } from './zones.ts'

// Most requests are so cheap that adding to a shared count at once would show. Where the engine
// keeps a context, counts are kept there and added up once a second; the last ones before an idle
// time are added with the next. Milliseconds.
const ADD_EVERY = 1000
let addedAt = 0

let passes = 0
let others: Partial<Record<string, number>> = {}

function addAll(): void {
  const zone = numberZone('drawbridge_counts')
  if (passes > 0) {
    zone.incr('verdict valid', passes, 0)
    zone.incr('found pass', passes, 0)
    passes = 0
  }
  Object.keys(others).forEach((name) => {
    zone.incr(name, others[name] as number, 0)
  })
  others = {}
}

function addNowAndThen(now: number): void {
  // A clock that was set back must not hold the counts up.
  if (now >= addedAt && now - addedAt < ADD_EVERY) return
  addedAt = now
  addAll()
}

/**
 * Counts a request that a pass let through.
 * @param now milliseconds
 */
export function countPass(now: number): void {
  passes++
  addNowAndThen(now)
}

const increment = (name: string): void => {
  others[name] = (others[name] ?? 0) + 1
}

/** Counts a decision that no pass made unnecessary. */
export function countDecision(decision: Decision): void {
  increment(typeof decision === 'string' ? `verdict ${decision}` : 'verdict valid')
  addNowAndThen(Date.now())
}

/**
 * Counts how a token's signature is known to be valid, where no pass says so: by the memo, or just
 * verified.
 */
export const countFound = (how: 'memo' | 'verified'): void => {
  increment(how === 'memo' ? 'found memo' : 'found verified')
}

/** What is fetched from a bridge. */
export type Fetched = 'keys' | 'revocations' | 'verdict'

/** Counts a fetch that failed. */
export const countFailure = (what: Fetched): void => {
  numberZone('drawbridge_counts').incr(`failure ${what}`, 1, 0)
}
