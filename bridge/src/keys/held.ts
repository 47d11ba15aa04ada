import { setInterval } from 'node:timers'
import type { FastifyBaseLogger } from 'fastify'
import { KeysUnavailable, type KeyEvents, type KeyName } from './port.ts'
import { sharedCall } from './shared-call.ts'

export interface HeldOptions<T> {
  /** @param held what was loaded last, if it still serves */
  load: (held: T | undefined) => Promise<T>
  /** Milliseconds between two loads. */
  pollInterval: number
  /** Milliseconds that what was loaded serves when no more can be had. */
  maxAge: number
  /** Told what was loaded and serves from now on, and what served until now. */
  loaded?: (before: T | undefined, after: T) => void
  /** What is loaded. */
  key: KeyName
  events: KeyEvents
  /** Says which key it is about. */
  log: FastifyBaseLogger
}

/** Something that comes from elsewhere, is looked up again and again, and serves within a bound. */
export interface Held<T> {
  /** What was loaded last, or is loaded now because that is too old. @throws KeysUnavailable */
  get(): Promise<T>
  /** Loads now. Whoever asks meanwhile gets the same. @throws KeysUnavailable */
  reload(): Promise<T>
  /**
   * The newest that can be had without asking, a load under way included.
   * @returns also whether the last load failed, so that there may be news which are not known here
   * @throws KeysUnavailable
   */
  latest(): Promise<{ value: T; stale: boolean }>
  /** Forgets it, and looks no more. */
  close: () => void
}

/** Milliseconds after a failed load in which requests do not cause another. */
const COOL_DOWN = 1000

export function held<T>(options: HeldOptions<T>): Held<T> {
  const { pollInterval, maxAge, key, events, log } = options
  let last: { value: T; at: number } | undefined
  let stale = false
  let loading: Promise<T> | undefined

  const fresh = () => (last && Date.now() - last.at < maxAge ? last.value : undefined)

  const reload = sharedCall(async () => {
    try {
      // Before it is asked for: an answer may be old when it comes.
      const at = Date.now()
      loading = options.load(last?.value)
      const value = await loading
      const before = last?.value
      last = { value, at }
      options.loaded?.(before, value)
      if (stale) log.info('Vault gives keys again')
      stale = false
      events.fetched(key)
      return value
    } catch (cause) {
      stale = true
      // What may serve no longer must not lie in memory either.
      if (fresh() === undefined) last = undefined
      const until = last && new Date(last.at + maxAge).toISOString()
      log.error(
        { err: cause, until },
        until === undefined
          ? 'Vault gives no keys, and there are none at hand'
          : 'Vault gives no keys; those at hand serve on',
      )
      events.fetchFailed(key)
      throw new KeysUnavailable('Vault gives no keys.', { cause })
    } finally {
      loading = undefined
    }
  }, COOL_DOWN)

  const get = async () => fresh() ?? (await reload())

  const poll = () => {
    // The log has it already.
    reload().catch(() => undefined)
  }
  poll()
  const timer = setInterval(poll, pollInterval)

  return {
    get,
    reload,
    latest: async () => {
      await loading?.catch(() => undefined)
      return { value: await get(), stale }
    },
    close: () => {
      clearInterval(timer)
      last = undefined
    },
  }
}
