import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import {
  OdooUnavailable,
  type Identity,
  type IdentityProvider,
  type OdooClient,
} from '../odoo/port.ts'
import type { RevokedReason, Session, SessionStore } from '../sessions/port.ts'
import type { AccessTokens } from './access-token.ts'
import { mayUse, type Client, type Clients } from './clients.ts'
import { deviceLabel } from './device.ts'
import type { IdTokens } from './id-token.ts'
import { createOdooUsers } from './odoo-user.ts'
import { createRecheck, type RecheckRules } from './recheck.ts'
import type { RefreshTokens } from './refresh-token.ts'
import { isLive, rotate, type RotationOutcome, type RotationRules } from './rotation.ts'
import { seal } from './seal.ts'

/** Where a sign-in came from. */
export interface Device {
  userAgent: string
  address: string
}

/** A pair of tokens, fresh. */
export interface IssuedTokens {
  access_token: string
  /** Seconds. */
  expires_in: number
  scope: string
  refresh_token: string
  /** Seconds that the refresh token may be kept. */
  refresh_expires_in: number
  /** For a client that asked for `openid`. */
  id_token?: string
  sid: string
}

/** What a client was granted. */
export interface Grant {
  client: Client
  scope: string[]
  audience: string[]
  /** The session of the browser that it was granted in. */
  browserSid?: string | null
  /** The `claims` parameter. */
  claims?: string | null
}

/** An access token alone, of a session that no refresh carries on. */
export type MachineTokens = Omit<IssuedTokens, 'refresh_token' | 'refresh_expires_in' | 'id_token'>

/** What a client wants of the tokens that it is given. */
export interface Asked {
  /** One of the session's audiences, for this access token; all of them where it is not given. */
  resource?: string | undefined
  /** Of the request that the code answers. */
  nonce?: string | null
}

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
  const { clients, store, secrets, accessTokens, refreshTokens, idTokens, odoo, rules, observe } =
    options
  const { odooSessionOf, userOf } = createOdooUsers(options)

  /** The rules of a session's client. Where it is not registered any more, the bridge's own hold. */
  const rulesOf = (clientId: string): RotationRules => {
    const ttl = clients.get(clientId)?.refresh_idle_ttl ?? Infinity
    return { ...rules, idleTtl: Math.min(rules.idleTtl, ttl * 1000) }
  }

  /** @param resource one of the session's audiences; all of them where it is not given */
  const issueAccess = async (
    session: Session,
    now: number,
    resource?: string,
  ): Promise<MachineTokens> => {
    const life = clients.get(session.client_id)?.access_token_ttl ?? accessTokens.ttl
    const audience = resource ?? session.audience
    return {
      access_token: await accessTokens.mint({ ...session, audience }, now, life),
      expires_in: life,
      scope: session.scope,
      sid: session.sid,
    }
  }

  const issue = async (
    session: Session,
    now: number,
    { resource, nonce = null }: Asked = {},
  ): Promise<IssuedTokens> => {
    const access = await issueAccess(session, now, resource)
    return {
      ...access,
      refresh_token: await refreshTokens.mint(session, now),
      refresh_expires_in: Math.floor((session.expires_at - now) / 1000),
      ...(session.scope.split(' ').includes('openid')
        ? { id_token: await idTokens.mint(session, access.access_token, nonce, now) }
        : {}),
    }
  }

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
  const end = async (session: Session, reason: RevokedReason, log: FastifyBaseLogger) => {
    if (await store.end(session.sid, reason)) await afterEnd(session, reason, log)
  }

  /** Ends a session that Odoo does not know any more. */
  const endForgotten = async (sid: string, log: FastifyBaseLogger): Promise<void> => {
    if (await store.end(sid, 'odoo_session_ended')) {
      log.info({ sid, reason: 'odoo_session_ended' }, 'session ended')
    }
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
    endNotAllowed: (session, log) => end(session, 'client_not_allowed', log),
    end: endForgotten,
  })

  const begin = async (
    identity: Identity,
    grant: Grant,
    device: Device,
    idleTtl: number,
    now: number,
    absoluteTtl = Math.min(options.absoluteTtl, grant.client.refresh_absolute_ttl * 1000),
  ): Promise<Session> => {
    // Here, where every way to sign in comes by.
    if (!mayUse(grant.client, identity.groups)) throw new BridgeError('access_denied')
    const sid = randomUUID()
    return {
      sid,
      uid: identity.uid,
      client_id: grant.client.client_id,
      scope: grant.scope.join(' '),
      audience: grant.audience.join(' '),
      roles: identity.roles.join(' '),
      generation: 0,
      rotated_at: now,
      late_replays: 0,
      late_replay_at: null,
      created_at: now,
      last_seen_at: now,
      expires_at: now + Math.min(idleTtl, absoluteTtl),
      absolute_expires_at: now + absoluteTtl,
      revoked_at: null,
      revoked_reason: null,
      auth_time: identity.authTime ?? now,
      amr: identity.amr.join(' '),
      device: deviceLabel(device.userAgent),
      ip: device.address,
      odoo_session:
        identity.odooSession === null
          ? null
          : await seal(secrets, { sid, uid: identity.uid }, identity.odooSession),
      odoo_stamp: identity.odooStamp,
      odoo_checked_at: now,
      odoo_browser: identity.odooBrowser,
      browser_sid: grant.browserSid ?? null,
      claims: grant.claims ?? null,
    }
  }

  /** Leaves nothing behind at Odoo where the session could not be begun here. */
  const orSignOut = async <T>(
    identity: Identity,
    log: FastifyBaseLogger,
    work: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      await signOutOfOdoo({ ...identity, odooBrowser: null }, log)
      throw error
    }
  }

  return {
    /**
     * Begins a session and issues its first tokens.
     * @throws BridgeError access_denied if the user may not use this client
     * @throws KeysUnavailable
     */
    start: (identity: Identity, grant: Grant, device: Device, log: FastifyBaseLogger) =>
      orSignOut(identity, log, async () => {
        const now = Date.now()
        const { idleTtl } = rulesOf(grant.client.client_id)
        const session = await begin(identity, grant, device, idleTtl, now)
        const tokens = await issue(session, now)
        // Last, so that no row is left where no token could be made.
        await store.insert(session)
        log.info({ sid: session.sid, uid: session.uid, client_id: session.client_id }, 'signed in')
        return tokens
      }),

    /**
     * Begins a session that lives as long as its one access token: it can be ended before, and
     * stands among the user's others.
     * @throws BridgeError access_denied if the user may not use this client
     * @throws KeysUnavailable
     * @see RFC 6749 §4.4
     */
    async startMachine(
      identity: Identity,
      grant: Grant,
      device: Device,
      log: FastifyBaseLogger,
    ): Promise<MachineTokens> {
      const now = Date.now()
      const life = grant.client.access_token_ttl * 1000
      const session = await begin(identity, grant, device, life, now, life)
      const tokens = await issueAccess(session, now)
      await store.insert(session)
      log.info({ sid: session.sid, uid: session.uid, client_id: session.client_id }, 'signed in')
      return tokens
    },

    /**
     * Begins a session that lives only until its authorization code is redeemed or expires.
     * @param codeTtl milliseconds
     * @returns its `sid`
     * @throws BridgeError access_denied if the user may not use this client
     */
    startPending: (
      identity: Identity,
      grant: Grant,
      device: Device,
      codeTtl: number,
      log: FastifyBaseLogger,
    ) =>
      orSignOut(identity, log, async () => {
        const session = await begin(identity, grant, device, codeTtl, Date.now())
        await store.insert(session)
        log.info({ sid: session.sid, uid: session.uid, client_id: session.client_id }, 'signed in')
        return session.sid
      }),

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
      await accessTokens.ready()
      const now = Date.now()
      const session = await store.activate(sid, now + rulesOf(client.client_id).idleTtl, now)
      return session && issue(session, now, asked)
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
      await accessTokens.ready()
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
        const { uid } = result.session
        const odooSession = (await odooSessionOf(result.session)) ?? null
        await signOutOfOdoo({ uid, odooSession, odooBrowser: null }, log)
        return undefined
      }
      if (result.outcome === 'ended') return undefined
      if (result.outcome === 'unchecked') throw new OdooUnavailable('Odoo was not asked in time.')
      if (result.outcome === 'repeated_late' || result.outcome === 'moved_forward') {
        log.warn(facts, 'refresh token out of step: answered')
      }
      // After the rotation: where Odoo keeps the client waiting in vain, its next try is a repeat.
      const session = await recheck.ifDue(result.session, now, log)
      return session && issue(session, now, { resource })
    },

    /** Ends the session of a refresh token. One that is not good ends nothing. */
    async end(
      token: string,
      mayPresent: (clientId: string) => boolean,
      log: FastifyBaseLogger,
    ): Promise<void> {
      const claims = await refreshTokens.verify(token)
      if (!claims || !mayPresent(claims.client_id)) return
      const session = await store.get(claims.sid)
      if (session) await end(session, 'logout', log)
    },

    /**
     * Ends a session for its client, and the browser's that it was begun from.
     * @see OpenID Connect RP-Initiated Logout 1.0 §2
     */
    async endByClient(session: Session, log: FastifyBaseLogger): Promise<void> {
      const { browser_sid } = session
      const browser = browser_sid === null ? undefined : await store.get(browser_sid)
      if (browser) await end(browser, 'logout', log)
      await end(session, 'logout', log)
    },

    /** Ends a session of this client, and of no other. @see RFC 7009 §2.1 */
    async endOfClient(sid: string, clientId: string, log: FastifyBaseLogger): Promise<void> {
      const session = await store.get(sid)
      if (session?.client_id === clientId) await end(session, 'revoked_by_client', log)
    },

    /** Ends a session whose authorization code was shown twice. @see RFC 6749 §4.1.2 */
    async endReplayed(sid: string, log: FastifyBaseLogger): Promise<void> {
      const session = await store.get(sid)
      if (session) await end(session, 'code_replay', log)
    },

    /** The live sessions of a user, the one used last first. */
    list: (uid: number): Promise<Session[]> => store.listLive(uid, Date.now()),

    /** The live sessions of all users, the one used last first, `most` of them. */
    listAll: (most: number): Promise<Session[]> => store.listAllLive(most, Date.now()),

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

    /** Somebody signed in again where they were signed in. @returns undefined if that is over */
    renew(sid: string, identity: Identity): Promise<Session | undefined> {
      const now = Date.now()
      const facts = {
        auth_time: identity.authTime ?? now,
        amr: identity.amr.join(' '),
        roles: identity.roles.join(' '),
        odoo_stamp: identity.odooStamp,
        odoo_browser: identity.odooBrowser,
        odoo_checked_at: now,
      }
      return store.renew(sid, facts, now)
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
     * @throws BridgeError session_ended
     * @throws OdooSessionEnded if what is on record for Odoo does not open
     */
    async asUser(sid: string): Promise<{ uid: number; odoo: OdooClient }> {
      const session = await store.get(sid)
      if (!session || !isLive(session, Date.now())) throw new BridgeError('session_ended')
      return { uid: session.uid, odoo: odoo.asUser(await userOf(session)) }
    },

    endForgotten,
  }
}
