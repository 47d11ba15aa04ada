import { RateLimiterMemory } from 'rate-limiter-flexible'
import { BridgeError } from '../errors.ts'

/** Failures of one key in a minute. */
const RULE = { points: 20, duration: 60 }

/**
 * Bounds failures in memory, by this bridge alone: for what cannot be guessed anyway, so that
 * whoever tries costs neither the database nor much of the processor.
 */
export interface Failures {
  /** @throws BridgeError too_many_attempts */
  check(key: string): Promise<void>
  add(key: string): Promise<void>
}

export function createFailures(): Failures {
  const limiter = new RateLimiterMemory(RULE)
  return {
    check: async (key) => {
      const count = await limiter.get(key)
      if (count && count.consumedPoints >= RULE.points) {
        throw new BridgeError('too_many_attempts', {
          retryAfter: Math.ceil(count.msBeforeNext / 1000),
        })
      }
    },
    add: async (key) => {
      await limiter.penalty(key)
    },
  }
}
