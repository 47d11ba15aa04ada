import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import type { Identity } from '../odoo/port.ts'
import type { Session, SessionStore } from '../sessions/port.ts'
import { mayUse, type Client } from './clients.ts'
import { deviceLabel } from './device.ts'
import type { Issue, MachineTokens } from './issued-tokens.ts'
import { seal } from './seal.ts'
import type { SessionEnds } from './session-ends.ts'

/** Where a sign-in came from. */
export interface Device {
  userAgent: string
  address: string
}

/** Milliseconds after which a session of a shared computer is over, however much it is used. */
const SHARED_TTL = 12 * 3_600_000

/** What a client was granted. */
export interface Grant {
  client: Client
  scope: string[]
  audience: string[]
  /** The session of the browser that it was granted in. */
  browserSid?: string | null
  /** Whether it may outlive the browser; it may where nothing is said. */
  persistent?: boolean | undefined
  /** The `claims` parameter. */
  claims?: string | null
}

export interface SessionStartsOptions {
  store: SessionStore
  secrets: SecretKeys
  issue: Issue
  /** Milliseconds that a session of this client may lie idle. */
  idleTtlOf: (clientId: string) => number
  /** Milliseconds. */
  absoluteTtl: number
  signOutOfOdoo: SessionEnds['signOutOfOdoo']
}

/** How sessions begin: whoever signs in comes by here. */
export function createSessionStarts(options: SessionStartsOptions) {
  const { store, secrets, issue, idleTtlOf, signOutOfOdoo } = options

  /**
   * What a shared computer leaves of a life. An app that was let in there has no longer one than the
   * browser's session: its token lies on the same computer.
   */
  const lifeOf = async (
    { browserSid = null, persistent = true }: Grant,
    now: number,
  ): Promise<{ persistent: 0 | 1; most: number }> => {
    const browser = browserSid === null ? undefined : await store.get(browserSid)
    if (browser?.persistent === 0) {
      return { persistent: 0, most: Math.max(0, browser.absolute_expires_at - now) }
    }
    return persistent ? { persistent: 1, most: Infinity } : { persistent: 0, most: SHARED_TTL }
  }

  const begin = async (
    identity: Identity,
    grant: Grant,
    device: Device,
    idleTtl: number,
    now: number,
    registeredTtl = Math.min(options.absoluteTtl, grant.client.refresh_absolute_ttl * 1000),
  ): Promise<Session> => {
    // Here, where every way to sign in comes by.
    if (!mayUse(grant.client, identity.groups)) throw new BridgeError('access_denied')
    const sid = randomUUID()
    const { persistent, most } = await lifeOf(grant, now)
    const absoluteTtl = Math.min(registeredTtl, most)
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
      logout_at: null,
      logout_tries: 0,
      persistent,
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
        const idleTtl = idleTtlOf(grant.client.client_id)
        const session = await begin(identity, grant, device, idleTtl, now)
        const tokens = await issue.issue(session, now)
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
      const tokens = await issue.issueAccess(session, now)
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
  }
}
