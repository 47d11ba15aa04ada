import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { PairedOdoo } from '../odoo/port.ts'
import type { ClientSigner } from './client-signer.ts'

/** Milliseconds to wait after a failure: more than Odoo lets pass between two fetches. */
const FIRST_PAUSE = 1500
const LONGEST_PAUSE = 60_000

export interface KeyPushOptions {
  clientSigner: Pick<ClientSigner, 'publicJwks'>
  odoo: Pick<PairedOdoo, 'fetchKeys'>
  log: FastifyBaseLogger
  /** `differs`: Odoo does not take the keys that this bridge publishes. */
  observe: (outcome: 'ok' | 'failed' | 'differs') => void
}

/**
 * Has Odoo fetch the keys when they change, so that a withdrawn one is refused there at once, and
 * not when what Odoo has stored is old.
 */
export interface KeyPush {
  /** The keys are others now. */
  changed(): void
  /** Has them fetched now, and from now on at each change. */
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

export function createKeyPush({ clientSigner, odoo, log, observe }: KeyPushOptions): KeyPush {
  const stopping = new AbortController()
  let started = false
  let due = true
  let pushing: Promise<void> | undefined
  let waking = new AbortController()
  let told: string | undefined

  const logOnce = (reason: string, tell: () => void) => {
    if (told !== reason) tell()
    told = reason
  }

  /** @returns whether Odoo takes what is published here */
  const push = async (): Promise<boolean> => {
    try {
      const taken = await odoo.fetchKeys()
      // After the answer: what has changed meanwhile is pushed again anyway.
      const published = await clientSigner.publicJwks()
      const missing = published
        // Odoo has no use for ID tokens.
        .filter(({ kid, drawbridge_signs }) => !drawbridge_signs && !taken.includes(kid))
        .map(({ kid }) => kid)
      const withdrawn = taken.filter((taken) => !published.some(({ kid }) => kid === taken))
      if (missing.length + withdrawn.length === 0) {
        observe('ok')
        logOnce('ok', () => {
          log.info({ kids: taken }, 'Odoo takes the keys of this bridge')
        })
        return true
      }
      observe('differs')
      logOnce('differs', () => {
        log.warn({ missing, withdrawn }, 'Odoo takes other keys than this bridge publishes')
      })
    } catch (error) {
      observe('failed')
      logOnce('failed', () => {
        log.warn({ err: error }, 'Odoo could not be told to fetch the keys')
      })
    }
    return false
  }

  const pushWhileDue = async (): Promise<void> => {
    let pause = FIRST_PAUSE
    while (due && !stopping.signal.aborted) {
      due = false
      waking = new AbortController()
      if (await push()) continue
      due = true
      const signal = AbortSignal.any([stopping.signal, waking.signal])
      await setTimeout(pause, undefined, { signal, ref: false }).catch(() => undefined)
      pause = waking.signal.aborted ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE)
    }
  }

  const run = () => {
    pushing ??= pushWhileDue().finally(() => {
      pushing = undefined
    })
  }

  return {
    changed: () => {
      due = true
      // Whoever waits after a failure has something new to tell.
      waking.abort()
      if (started) run()
    },
    start: () => {
      started = true
      run()
    },
    stop: async () => {
      stopping.abort()
      await pushing
    },
  }
}
