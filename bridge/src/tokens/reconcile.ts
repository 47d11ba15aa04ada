import { setInterval } from 'node:timers'
import type { FastifyBaseLogger } from 'fastify'
import { MOST_UIDS } from '../contract/index.ts'
import type { EventKey, PairedOdoo } from '../odoo/port.ts'
import type { PairingStore, RevokedReason, Session, SessionStore } from '../sessions/port.ts'
import { createOdooProofVerifier, type OdooProofVerifier } from './odoo-proof.ts'

/** Users in one question to Odoo: it takes half a second of one of its workers. */
const BATCH = MOST_UIDS / 2

const CHANGED = 'odoo_user_changed'

/** What made the bridge look. */
export type Cause = 'event' | 'comparison'

const pages = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, page) =>
    list.slice(page * size, (page + 1) * size),
  )

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
  /** Whether signing out of Odoo's own pages ends what was continued from there. */
  followSignOut: boolean
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
  /** Has the bridge look at users and browsers soon; does not wait for it. */
  lookAt(users: readonly number[] | 'all', browsers: readonly string[]): void
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
  /** What events named and nobody has looked at yet. */
  let waiting: { users: Set<number> | 'all'; browsers: Set<string> } | undefined
  let looking: Promise<void> | undefined

  const tellEnded = (sessions: Session[], reason: RevokedReason, cause: Cause) => {
    for (const { sid, uid } of sessions) log.info({ sid, uid, reason, cause }, 'session ended')
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
      else tellEnded(await store.endAll(uid, CHANGED, Date.now()), CHANGED, cause)
    }
    tellEnded(await store.endChanged(known, CHANGED, asked), CHANGED, cause)
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

  /** @param browsers at most `MOST_UIDS` */
  const compareBrowsers = async (browsers: readonly string[], cause: Cause): Promise<void> => {
    const signedOut = await odoo.signedOut(browsers)
    if (signedOut.length === 0) return
    const reason = 'odoo_signed_out'
    tellEnded(await store.endBrowsers(signedOut, reason, Date.now()), reason, cause)
  }

  const compareAllBrowsers = async (): Promise<void> => {
    let after = ''
    for (;;) {
      const browsers = await store.listBrowsers(after, MOST_UIDS, Date.now())
      const last = browsers.at(-1)
      if (last === undefined || stopped) return
      await compareBrowsers(browsers, 'comparison')
      after = last
    }
  }

  const compareSome = async (uids: readonly number[]): Promise<void> => {
    for (const some of pages(uids, BATCH)) if (!stopped) await compare(some, 'event')
  }

  const lookAtWaiting = async (): Promise<void> => {
    while (waiting && !stopped) {
      const { users, browsers } = waiting
      waiting = undefined
      try {
        await (users === 'all' ? compareAll('event') : compareSome([...users]))
        for (const some of pages([...browsers], MOST_UIDS)) await compareBrowsers(some, 'event')
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
        if (options.followSignOut) await compareAllBrowsers()
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

    lookAt: (users, browsers) => {
      if (stopped) return
      waiting ??= { users: new Set(), browsers: new Set() }
      if (users === 'all' || waiting.users === 'all') waiting.users = 'all'
      else for (const uid of users) waiting.users.add(uid)
      if (options.followSignOut) for (const browser of browsers) waiting.browsers.add(browser)
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
