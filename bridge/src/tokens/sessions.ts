import type { FastifyBaseLogger } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import { OdooUnavailable, type IdentityProvider, type OdooClient } from '../odoo/port.ts'
import type { Session, SessionStore } from '../sessions/port.ts'
import type { AccessTokens } from './access-token.ts'
import { mayUse, type Client, type Clients } from './clients.ts'
import type { IdTokens } from './id-token.ts'
import { createIssue, type Asked, type IssuedTokens } from './issued-tokens.ts'
import { createOdooUsers } from './odoo-user.ts'
import { createRecheck, type RecheckRules } from './recheck.ts'
import type { RefreshTokens } from './refresh-token.ts'
import { isLive, rotate, type RotationOutcome, type RotationRules } from './rotation.ts'
import { createSessionEnds } from './session-ends.ts'
import { createSessionStarts } from './session-starts.ts'

export interface SessionsOptions {
  clients: Clients
  store: SessionStore
  secrets: SecretKeys
  accessTokens: AccessTokens
  refreshTokens: RefreshTokens
  idTokens: IdTokens
  odoo: IdentityProvider
  rules: RotationRules
  recheckRules: RecheckRules
  /** Milliseconds. */
  absoluteTtl: number
  /** Of tokens that Odoo itself takes. */
  odooAudience: string
  /** Whether signing out here signs out of Odoo's own pages, too, in the browser that came from there. */
  signOutOfBrowser: boolean
  /** Told how each refresh token was answered; `invalid` is what is no token of this bridge. */
  observe: (outcome: RotationOutcome['outcome'] | 'invalid') => void
}

/** The life of a session: begun by a sign-in, carried on by refreshes, ended once. */
export type Sessions = ReturnType<typeof createSessions>

export function createSessions(options: SessionsOptions) {
  const { clients, store, accessTokens, refreshTokens, idTokens, odoo, rules, observe } = options
  const { odooSessionOf, userOf } = createOdooUsers(options)
  const issue = createIssue(options)
  const { signOutOfOdoo, endSession, ...ends } = createSessionEnds({ ...options, odooSessionOf })

  /** The rules of a session's client. Where it is not registered any more, the bridge's own hold. */
  const rulesOf = (clientId: string): RotationRules => {
    const ttl = clients.get(clientId)?.refresh_idle_ttl ?? Infinity
    return { ...rules, idleTtl: Math.min(rules.idleTtl, ttl * 1000) }
  }

  const starts = createSessionStarts({
    ...options,
    issue,
    idleTtlOf: (clientId) => rulesOf(clientId).idleTtl,
    signOutOfOdoo,
  })

  /**
   * Looks before anything is changed: a client that asks in vain may ask again.
   * @throws BridgeError invalid_target if the session was not granted this audience
   * @see RFC 8707 §2.2
   */
  const requireGranted = async (sid: string, resource: string | undefined): Promise<void> => {
    if (resource === undefined) return
    const session = await store.get(sid)
    if (session && !session.audience.split(' ').includes(resource)) {
      throw new BridgeError('invalid_target')
    }
  }

  /** @throws KeysUnavailable */
  const requireKeys = async (clientId: string): Promise<void> => {
    await accessTokens.ready()
    await idTokens.ready(clientId)
  }

  const recheck = createRecheck({
    store,
    odoo,
    rules: options.recheckRules,
    userOf,
    isAllowed: ({ client_id }, groups) => {
      const client = clients.get(client_id)
      return client !== undefined && mayUse(client, groups)
    },
    endNotAllowed: (session, log) => endSession(session, 'client_not_allowed', log),
    end: ends.endForgotten,
  })

  return {
    ...starts,
    ...ends,
    signOutOfOdoo,

    /**
     * Gives a pending session of a client its life and its first tokens.
     * @returns undefined if it is over
     * @throws BridgeError invalid_target
     */
    async activate(
      sid: string,
      client: Client,
      asked: Asked = {},
    ): Promise<IssuedTokens | undefined> {
      await requireGranted(sid, asked.resource)
      await requireKeys(client.client_id)
      const now = Date.now()
      const session = await store.activate(sid, now + rulesOf(client.client_id).idleTtl, now)
      return session && issue.issue(session, now, asked)
    },

    /**
     * Answers a refresh token with the next pair.
     * @param mayPresent whether a token of this client is taken here: one that travels by cookie
     * is worth nothing where one in the body is asked for, and the other way round
     * @param resource one audience, for this access token
     * @returns undefined if the token is not, or no longer, good
     * @throws BridgeError invalid_target
     * @throws OdooUnavailable if Odoo has not been there to ask for longer than is tolerated
     * @throws KeysUnavailable
     */
    async refresh(
      token: string,
      mayPresent: (clientId: string) => boolean,
      log: FastifyBaseLogger,
      resource?: string,
    ): Promise<IssuedTokens | undefined> {
      const claims = await refreshTokens.verify(token)
      if (!claims || !mayPresent(claims.client_id)) {
        observe('invalid')
        return undefined
      }
      // Before the session moves on: a rotation that cannot be answered counts as a lost answer.
      await requireGranted(claims.sid, resource)
      await requireKeys(claims.client_id)
      const now = Date.now()
      const ownRules = rulesOf(claims.client_id)
      let result = await rotate(store, ownRules, claims.sid, claims.gen, now)
      if (result.outcome === 'unchecked') {
        // Only now must the client wait for Odoo, or be told to come again.
        if (!(await recheck.ifDue(result.session, now, log))) return undefined
        result = await rotate(store, ownRules, claims.sid, claims.gen, now)
      }
      observe(result.outcome)
      const facts = { sid: claims.sid, gen: claims.gen, outcome: result.outcome }
      if (result.outcome === 'reuse') {
        log.warn(facts, 'refresh token reused: session ended')
        // The thief may have let apps in by it. Odoo's own pages are not known to be in their hands.
        await ends.afterEnd({ ...result.session, odoo_browser: null }, 'reuse', log)
        return undefined
      }
      if (result.outcome === 'ended') return undefined
      if (result.outcome === 'unchecked') throw new OdooUnavailable('Odoo was not asked in time.')
      if (result.outcome === 'repeated_late' || result.outcome === 'moved_forward') {
        log.warn(facts, 'refresh token out of step: answered')
      }
      // After the rotation: where Odoo keeps the client waiting in vain, its next try is a repeat.
      const session = await recheck.ifDue(result.session, now, log)
      const tokens = session && (await issue.issue(session, now, { resource }))
      // What was shown may be a forgery by a stolen key that was taken back meanwhile: then it is not
      // answered with a token by the next key. In this order, since keys that are gone stay gone.
      return tokens && (await refreshTokens.verify(token)) ? tokens : undefined
    },

    /** The live sessions of a user, the one used last first. */
    list: (uid: number): Promise<Session[]> => store.listLive(uid, Date.now()),

    /** The live sessions of all users, the one used last first, `most` of them. */
    listAll: (most: number): Promise<Session[]> => store.listAllLive(most, Date.now()),

    /**
     * The live session of a refresh token, which is not used up by this. One that was replaced a
     * while ago may be a thief's: it says nothing here, and is judged where it is used.
     * @throws OdooUnavailable, KeysUnavailable
     */
    async current(
      token: string,
      mayPresent: (clientId: string) => boolean,
      log: FastifyBaseLogger,
    ): Promise<Session | undefined> {
      const claims = await refreshTokens.verify(token)
      if (!claims || !mayPresent(claims.client_id)) return undefined
      const now = Date.now()
      const session = await store.get(claims.sid)
      if (!session || !isLive(session, now)) return undefined
      const behind = session.generation - claims.gen
      const isFresh = behind <= 0 || (behind === 1 && now - session.rotated_at <= rules.grace)
      return isFresh ? recheck.ifDue(session, now, log) : undefined
    },

    /**
     * Puts a session in the place of another of the same browser and user, who signed in again:
     * whoever has the other one's token, a thief for one, has nothing any more. Apps that were let
     * in from it stay.
     */
    async replace(before: Session, sid: string, log: FastifyBaseLogger): Promise<void> {
      await store.moveApps(before.sid, sid)
      if (await store.end(before.sid, 'replaced')) {
        log.info({ sid: before.sid, uid: before.uid, reason: 'replaced' }, 'session ended')
      }
    },

    /** A session that may still act. */
    async find(sid: string): Promise<Session | undefined> {
      const session = await store.get(sid)
      return session && isLive(session, Date.now()) ? session : undefined
    },

    /**
     * Which groups the user of a session is in now, for a client that not everybody may use.
     * @returns external ids; undefined if the session is over now
     * @throws OdooUnavailable
     */
    groupsOf: (session: Session, log: FastifyBaseLogger): Promise<string[] | undefined> =>
      recheck.groupsOf(session, log),

    /** Whether a session may still act. */
    async isLive(sid: string): Promise<boolean> {
      const session = await store.get(sid)
      return session !== undefined && isLive(session, Date.now())
    },

    /**
     * Odoo with the rights of the session's user.
     * @param scope that Odoo is told; the session's own where it is left out
     * @throws BridgeError session_ended
     * @throws OdooSessionEnded if what is on record for Odoo does not open
     */
    async asUser(sid: string, scope?: string): Promise<{ uid: number; odoo: OdooClient }> {
      const session = await store.get(sid)
      if (!session || !isLive(session, Date.now())) throw new BridgeError('session_ended')
      return { uid: session.uid, odoo: odoo.asUser(await userOf(session, scope)) }
    },
  }
}
