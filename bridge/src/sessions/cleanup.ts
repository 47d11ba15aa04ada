import { setInterval } from 'node:timers'
import type { FastifyBaseLogger } from 'fastify'
import type { SessionStore } from './port.ts'

const HOUR = 3_600_000

/**
 * Removes, every hour, what has been over for longer than anybody asks about it. Several bridges
 * may do so at once.
 * @param retention milliseconds that an ended session stays, for "when was that?"
 * @returns how to stop it
 */
export function startCleanup(
  store: SessionStore,
  retention: number,
  log: FastifyBaseLogger,
): () => void {
  const cleanUp = async (): Promise<void> => {
    try {
      const removed = await store.removeOld(Date.now() - retention)
      if (removed > 0) log.info({ removed }, 'old sessions removed')
    } catch (error) {
      log.error({ err: error }, 'old sessions could not be removed; tried again in an hour')
    }
  }
  const timer = setInterval(() => void cleanUp(), HOUR)
  timer.unref()
  void cleanUp()
  return () => {
    clearInterval(timer)
  }
}
