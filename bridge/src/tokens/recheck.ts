import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import {
  OdooSessionEnded,
  OdooUnavailable,
  type IdentityProvider,
  type OdooUser,
} from '../odoo/port.ts'
import type { Check, Session, SessionStore } from '../sessions/port.ts'

/** Milliseconds. */
export interface RecheckRules {
  /** Odoo is asked about a session at most this often. */
  interval: number
  /** A session goes on for this long after Odoo last said that it may. */
  tolerance: number
  /** Within the tolerance, a refresh waits for Odoo no longer than this. */
  patience: number
}

export interface RecheckOptions {
  store: SessionStore
  odoo: IdentityProvider
  rules: RecheckRules
  /** Throws OdooSessionEnded where nothing is stored that Odoo could be asked with. */
  userOf: (session: Session) => Promise<OdooUser>
  /** Whether the user may still use the session's client, being in these groups. */
  isAllowed: (session: Session, groups: readonly string[]) => boolean
  /** Ends a session whose user may not use its client any more. */
  endNotAllowed: (session: Session, log: FastifyBaseLogger) => Promise<void>
  /** Ends a session that Odoo does not stand by any more. */
  end: (sid: string, log: FastifyBaseLogger) => Promise<void>
}

/** What Odoo says of a user now. */
interface Standing {
  check: Check
  groups: string[]
}

/** Asks Odoo from time to time whether somebody is still who they were, and what they may do. */
export function createRecheck(options: RecheckOptions) {
  const { store, odoo, rules, userOf, isAllowed, endNotAllowed, end } = options
  const running = new Map<string, Promise<Standing | undefined>>()

  /** @returns undefined if the session is over */
  const ask = async (session: Session, log: FastifyBaseLogger): Promise<Standing | undefined> => {
    try {
      // From before the question: what changes while Odoo answers is seen by the next check.
      const odoo_checked_at = Date.now()
      const { roles, groups } = await odoo.check(await userOf(session))
      if (!isAllowed(session, groups)) {
        await endNotAllowed(session, log)
        return undefined
      }
      const check = { roles: roles.join(' '), odoo_checked_at }
      return (await store.recordCheck(session.sid, check, session.odoo_checked_at))
        ? { check, groups }
        : undefined
    } catch (error) {
      if (!(error instanceof OdooSessionEnded)) throw error
      await end(session.sid, log)
      return undefined
    }
  }

  /** One question per session at a time, whoever wants to know. */
  const askOnce = (session: Session, log: FastifyBaseLogger): Promise<Standing | undefined> => {
    const { sid } = session
    const asked = running.get(sid)
    if (asked) return asked
    const asking = ask(session, log).finally(() => running.delete(sid))
    running.set(sid, asking)
    return asking
  }

  /** Waits for Odoo within the tolerance. @returns undefined if it has not answered by then */
  const askPatiently = async (
    session: Session,
    log: FastifyBaseLogger,
  ): Promise<{ standing: Standing | undefined } | undefined> => {
    const asking = askOnce(session, log).then((standing) => ({ standing }))
    const waiting = new AbortController()
    const impatient = delay(rules.patience, undefined, { signal: waiting.signal })
    impatient.catch(() => undefined)
    try {
      const answer = await Promise.race([asking, impatient])
      if (answer) return answer
      log.warn({ sid: session.sid }, 'Odoo is slow: the session goes on unchecked for now')
      // Where the answer comes later, it counts from then on.
      asking.catch((error: unknown) => {
        log.warn({ err: error, sid: session.sid }, 'the late check failed')
      })
    } catch (error) {
      if (!(error instanceof OdooUnavailable)) throw error
      log.warn({ err: error, sid: session.sid }, 'Odoo is down: the session goes on unchecked')
    } finally {
      waiting.abort()
    }
    return undefined
  }

  /**
   * Called at a refresh, after the rotation.
   * @param now milliseconds since 1970
   * @returns the session with the roles of today; undefined if it is over now
   * @throws OdooUnavailable if Odoo could not be asked for longer than is tolerated; the session
   * is not over then, and the same refresh may be repeated
   */
  const ifDue = async (
    session: Session,
    now: number,
    log: FastifyBaseLogger,
  ): Promise<Session | undefined> => {
    const age = now - session.odoo_checked_at
    if (age < rules.interval) return session
    const answer =
      age < rules.tolerance
        ? await askPatiently(session, log)
        : { standing: await askOnce(session, log) }
    if (!answer) return session
    return answer.standing && { ...session, ...answer.standing.check }
  }

  return {
    ifDue,

    /**
     * Asks Odoo in any case.
     * @returns external ids of groups that the session's user is in; undefined if it is over now
     * @throws OdooUnavailable
     */
    groupsOf: async (session: Session, log: FastifyBaseLogger): Promise<string[] | undefined> =>
      (await askOnce(session, log))?.groups,
  }
}
