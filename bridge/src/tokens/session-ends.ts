import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Identity, IdentityProvider } from '../odoo/port.ts'
import type { RevokedReason, Session, SessionStore } from '../sessions/port.ts'
import type { RefreshTokens } from './refresh-token.ts'

export interface SessionEndsOptions {
  store: SessionStore
  refreshTokens: RefreshTokens
  odoo: IdentityProvider
  /** The plain id of a session's session at Odoo; undefined if there is none. */
  odooSessionOf: (session: Session) => Promise<string | undefined>
  /** Whether signing out here signs out of Odoo's own pages, too, in the browser that came from there. */
  signOutOfBrowser: boolean
}

/** How sessions end, here and at Odoo, by whoever ends them. */
export function createSessionEnds(options: SessionEndsOptions) {
  const { store, refreshTokens, odoo, odooSessionOf } = options

  /** Ends a session of Odoo's own, and that of its pages in a browser, whichever is given. */
  const signOutOfOdoo = async (
    at: Pick<Identity, 'uid' | 'odooSession' | 'odooBrowser'>,
    log: FastifyBaseLogger,
  ) => {
    const { uid, odooSession, odooBrowser } = at
    if (odooSession === null && odooBrowser === null) return
    try {
      await odoo.signOut({ uid, odooSession, odooBrowser })
    } catch (error) {
      // Over is over here; Odoo forgets an unused session by itself.
      log.warn({ err: error, uid }, 'the session at Odoo could not be ended')
    }
  }

  /** What is left to do for a session that was just ended here, by whoever it belongs to. */
  const afterEnd = async (session: Session, reason: RevokedReason, log: FastifyBaseLogger) => {
    log.info({ sid: session.sid, uid: session.uid, reason }, 'session ended')
    const odooSession = (await odooSessionOf(session)) ?? null
    const odooBrowser = options.signOutOfBrowser ? session.odoo_browser : null
    await signOutOfOdoo({ uid: session.uid, odooSession, odooBrowser }, log)
    for (const { sid, uid } of await store.endOfBrowser(session.sid, reason, Date.now())) {
      log.info({ sid, uid, reason, browser_sid: session.sid }, 'session ended')
    }
  }

  /** Ends the session here and at Odoo. */
  const endSession = async (session: Session, reason: RevokedReason, log: FastifyBaseLogger) => {
    if (await store.end(session.sid, reason)) await afterEnd(session, reason, log)
  }

  /** Ends a session that Odoo does not know any more. */
  const endForgotten = async (sid: string, log: FastifyBaseLogger): Promise<void> => {
    if (await store.end(sid, 'odoo_session_ended')) {
      log.info({ sid, reason: 'odoo_session_ended' }, 'session ended')
    }
  }

  return {
    signOutOfOdoo,
    endSession,
    endForgotten,

    /** Ends the session of a refresh token. One that is not good ends nothing. */
    async end(
      token: string,
      mayPresent: (clientId: string) => boolean,
      log: FastifyBaseLogger,
    ): Promise<void> {
      const claims = await refreshTokens.verify(token)
      if (!claims || !mayPresent(claims.client_id)) return
      const session = await store.get(claims.sid)
      if (session) await endSession(session, 'logout', log)
    },

    /**
     * Ends a session for its client, and the browser's that it was begun from.
     * @see OpenID Connect RP-Initiated Logout 1.0 §2
     */
    async endByClient(session: Session, log: FastifyBaseLogger): Promise<void> {
      const { browser_sid } = session
      const browser = browser_sid === null ? undefined : await store.get(browser_sid)
      if (browser) await endSession(browser, 'logout', log)
      await endSession(session, 'logout', log)
    },

    /** Ends a session of this client, and of no other. @see RFC 7009 §2.1 */
    async endOfClient(sid: string, clientId: string, log: FastifyBaseLogger): Promise<void> {
      const session = await store.get(sid)
      if (session?.client_id === clientId) await endSession(session, 'revoked_by_client', log)
    },

    /** Ends a session whose authorization code was shown twice. @see RFC 6749 §4.1.2 */
    async endReplayed(sid: string, log: FastifyBaseLogger): Promise<void> {
      const session = await store.get(sid)
      if (session) await endSession(session, 'code_replay', log)
    },

    /** Ends one session of this user. @returns whether there was one */
    async endOwn(
      sid: string,
      uid: number,
      log: FastifyBaseLogger,
      reason: RevokedReason = 'ended_by_user',
    ): Promise<boolean> {
      const session = await store.endOwn(sid, uid, reason, Date.now())
      if (session) await afterEnd(session, reason, log)
      return session !== undefined
    },

    /**
     * Ends all sessions of this user at one client. Nobody signs out by that: Odoo's own pages in
     * the browser stay as they are.
     * @returns how many there were
     */
    async endAtClient(uid: number, clientId: string, log: FastifyBaseLogger): Promise<number> {
      const reason = 'ended_by_user'
      const sessions = await store.endAtClient(uid, clientId, reason, Date.now())
      await Promise.all(
        sessions.map((session) => afterEnd({ ...session, odoo_browser: null }, reason, log)),
      )
      return sessions.length
    },

    /**
     * Ends all sessions of this user, the one that asks included, and makes every token of theirs
     * from up to now worthless at the gate.
     * @returns how many there were
     */
    async endAll(
      uid: number,
      log: FastifyBaseLogger,
      reason: RevokedReason = 'ended_by_user',
    ): Promise<number> {
      const now = Date.now()
      const sessions = await store.endAll(uid, reason, now)
      await Promise.all([
        ...sessions.map((session) => afterEnd(session, reason, log)),
        // Tokens know only whole seconds, and those of this one are refused to its end. Whoever
        // signs in again after the answer must not get one of them.
        delay(1001 - (now % 1000)),
      ])
      return sessions.length
    },
  }
}

export type SessionEnds = ReturnType<typeof createSessionEnds>
