import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { MOST_REVOCATIONS, type OdooRevocations } from '../contract/index.ts'
import type { PairedOdoo } from '../odoo/port.ts'
import type { Revocations } from './revocations.ts'

/** Milliseconds between two looks for something new. */
const INTERVAL = 1000

/** Milliseconds: the pause doubles with each failure, up to this. */
const LONGEST_PAUSE = 30_000

export interface RevocationPushOptions {
  revocations: Pick<Revocations, 'page'>
  odoo: Pick<PairedOdoo, 'refuse'>
  log: FastifyBaseLogger
  observe: (outcome: 'ok' | 'failed') => void
}

/**
 * Tells Odoo which sessions have ended, so that it refuses their tokens by itself: it may be reached
 * other than through a gate.
 */
export interface RevocationPush {
  /** Tells all that could still be valid, and from now on what is new. */
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

const NOTHING: OdooRevocations = { sessions: [], users: [] }

/**
 * Follows the bridge's own feed as a gate does. Each bridge tells all, whoever has ended it: what
 * Odoo knows already changes nothing there.
 */
export function createRevocationPush(options: RevocationPushOptions): RevocationPush {
  const { revocations, odoo, log, observe } = options
  const stopping = new AbortController()
  const epochs: string[] = []
  let after = ''
  /** What the last round read and Odoo was told: the feed gives the end of a round again. */
  let told = new Set<string>()
  let failing = false
  let following: Promise<void> | undefined

  /** @param named what to tell, by a name that no other has; what was told already is left out */
  const tell = async <T>(
    named: ReadonlyMap<string, T>,
    listOf: (some: T[]) => OdooRevocations,
  ): Promise<void> => {
    const fresh = [...named].filter(([name]) => !told.has(name))
    for (let start = 0; start < fresh.length; start += MOST_REVOCATIONS) {
      const some = fresh.slice(start, start + MOST_REVOCATIONS)
      await odoo.refuse(listOf(some.map(([, entry]) => entry)))
      for (const [name] of some) told.add(name)
      observe('ok')
    }
  }

  /** Reads on where it stopped, to the end. Where it fails, it goes on from there the next time. */
  const round = async (): Promise<void> => {
    const read = new Set<string>()
    for (;;) {
      const page = await revocations.page(epochs, after)
      const sessions = new Map(page.sessions.map(([sid, until]) => [sid, { sid, until }]))
      const users = new Map(
        page.users.map(([sub, cutoff, until]) => [
          `${sub} ${cutoff}`,
          { uid: Number(sub), cutoff, until },
        ]),
      )
      await tell(sessions, (some) => ({ ...NOTHING, sessions: some }))
      await tell(users, (some) => ({ ...NOTHING, users: some }))
      for (const name of [...sessions.keys(), ...users.keys()]) read.add(name)
      if (page.all) epochs.splice(0, epochs.length, page.epoch)
      after = page.after
      if (!page.more || stopping.signal.aborted) break
    }
    told = read
  }

  const follow = async (): Promise<void> => {
    let pause = INTERVAL
    while (!stopping.signal.aborted) {
      try {
        await round()
        if (failing) log.info('Odoo is told of ended sessions again')
        failing = false
        pause = INTERVAL
      } catch (error) {
        observe('failed')
        if (!failing) log.warn({ err: error }, 'Odoo could not be told of ended sessions')
        failing = true
        pause = Math.min(2 * pause, LONGEST_PAUSE)
      }
      const waiting = { signal: stopping.signal, ref: false }
      await setTimeout(pause, undefined, waiting).catch(() => undefined)
    }
  }

  return {
    start: () => {
      following = follow()
    },
    stop: async () => {
      stopping.abort()
      await following
    },
  }
}
