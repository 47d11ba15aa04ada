import { setInterval } from 'node:timers'
import type { FastifyBaseLogger } from 'fastify'
import { MOST_UIDS } from '../contract/index.ts'
import type { EventKey, PairedOdoo } from '../odoo/port.ts'
import type { PairingStore, Session, SessionStore } from '../sessions/port.ts'
import { createOdooProofVerifier, type OdooProofVerifier } from './odoo-proof.ts'

/** Users in one question to Odoo: it takes half a second of one of its workers. */
const BATCH = MOST_UIDS / 2

/** What made the bridge look. */
export type Cause = 'event' | 'comparison'

export interface ReconcileOptions {
  store: SessionStore
  pairings: PairingStore
  odoo: PairedOdoo
  /** Of this bridge. */
  issuer: string
  /** `odoo:<database.uuid>`, `iss` of Odoo's proofs. */
  odooAudience: string
  /** Milliseconds between two comparisons of all stamps. */
  interval: number
  /** Milliseconds: Odoo is asked about a session at its refresh if the last answer is older. */
  recheckInterval: number
  log: FastifyBaseLogger
  observe: {
    /** How a comparison of all stamps went, and how long it took in seconds. */
    compared: (outcome: 'ok' | 'failed', seconds: number) => void
    ended: (cause: Cause, sessions: number) => void
  }
}

/** Ends sessions whose users are not who they were, as Odoo tells it: at once, or by the next round. */
export interface Reconcile {
  /** Undefined until Odoo was asked for its key. */
  verifier(): OdooProofVerifier | undefined
  /** Has the bridge look at users soon; does not wait for it. */
  lookAt(users: readonly number[] | 'all'): void
  /** Begins the rounds. */
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Compares Odoo's stamps of users with those of their sessions.
 *
 * A session whose stamp is another one is ended by its own `sid`. A cut-off of all the user's
 * tokens would also hit the session that was just begun with the new password; it is for users who
 * may not sign in at all, where a sign-in that is still under way has no row yet to end.
 */
export function createReconcile(options: ReconcileOptions): Reconcile {
  const { store, pairings, odoo, issuer, odooAudience, interval, log, observe } = options

  let verifier: OdooProofVerifier | undefined
  let refusedKid: string | undefined
  let failing = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  /** Users whom events named and nobody has looked at yet. */
  let waiting: Set<number> | 'all' | undefined
  let looking: Promise<void> | undefined

  const tellEnded = (sessions: Session[], cause: Cause) => {
    for (const { sid, uid } of sessions) {
      log.info({ sid, uid, reason: 'odoo_user_changed', cause }, 'session ended')
    }
    observe.ended(cause, sessions.length)
  }

  /** @param uids at most `BATCH` */
  const compare = async (uids: readonly number[], cause: Cause): Promise<void> => {
    const asked = Date.now()
    const stamps = await odoo.stamps(uids)
    const known = new Map<number, string>()
    for (const uid of uids) {
      const stamp = stamps.get(uid)
      if (stamp !== undefined) known.set(uid, stamp)
      else tellEnded(await store.endAll(uid, 'odoo_user_changed', Date.now()), cause)
    }
    tellEnded(await store.endChanged(known, 'odoo_user_changed', asked), cause)
    // Groups are in no stamp. Asked at the next refresh, but an outage then is tolerated as ever.
    if (cause === 'event') {
      await store.ageChecks([...known.keys()], Date.now() - options.recheckInterval)
    }
  }

  const compareAll = async (cause: Cause): Promise<void> => {
    let after = 0
    for (;;) {
      const uids = await store.listStamped(after, BATCH, Date.now())
      const last = uids.at(-1)
      if (last === undefined || stopped) return
      await compare(uids, cause)
      after = last
    }
  }

  const compareSome = async (uids: readonly number[]): Promise<void> => {
    for (let start = 0; start < uids.length && !stopped; start += BATCH) {
      await compare(uids.slice(start, start + BATCH), 'event')
    }
  }

  const lookAtWaiting = async (): Promise<void> => {
    while (waiting && !stopped) {
      const users = waiting
      waiting = undefined
      try {
        await (users === 'all' ? compareAll('event') : compareSome([...users]))
      } catch (error) {
        log.warn({ err: error }, 'an event was left to the next comparison')
      }
    }
  }

  /** Trusts the key that was seen first, until an operator has it forgotten. */
  const pinKey = async (): Promise<void> => {
    const told = await odoo.eventKey()
    const pinned = JSON.parse(await pairings.pin(odooAudience, JSON.stringify(told))) as EventKey
    if (pinned.kid !== told.kid && refusedKid !== told.kid) {
      log.error(
        { pinned: pinned.kid, told: told.kid },
        'Odoo has another key for its requests than the pinned one: they are refused. If that is right, unpin it',
      )
    }
    refusedKid = pinned.kid === told.kid ? undefined : told.kid
    if (verifier?.kid === pinned.kid) return
    verifier = createOdooProofVerifier(pinned, odooAudience, issuer)
    log.info({ kid: pinned.kid }, 'requests of Odoo are taken by this key')
  }

  const runRound = async (): Promise<void> => {
    const since = performance.now()
    const seconds = () => (performance.now() - since) / 1000
    try {
      await pinKey()
      // Bridges tick out of step: half of it, or one that is a moment early would skip a turn.
      if (await pairings.beginComparison(odooAudience, interval / 2)) {
        await compareAll('comparison')
        observe.compared('ok', seconds())
      }
      if (failing) log.info('the stamps of Odoo are compared again')
      failing = false
    } catch (error) {
      observe.compared('failed', seconds())
      if (!failing) {
        log.warn({ err: error }, 'the stamps of Odoo could not be compared; no session is ended')
      }
      failing = true
    }
  }

  const tick = () => {
    round ??= runRound().finally(() => {
      round = undefined
    })
  }

  return {
    verifier: () => verifier,

    lookAt: (users) => {
      if (stopped) return
      if (users === 'all' || waiting === 'all') waiting = 'all'
      else waiting = new Set([...(waiting ?? []), ...users])
      looking ??= lookAtWaiting().finally(() => {
        looking = undefined
      })
    },

    start: () => {
      tick()
      timer = setInterval(tick, interval)
      timer.unref()
    },

    stop: async () => {
      stopped = true
      clearInterval(timer)
      await Promise.all([round, looking])
    },
  }
}
