/** One device of one user at one client. Times are milliseconds since 1970. */
export interface Session {
  sid: string
  /** Odoo's user id. */
  uid: number
  client_id: string
  /** Space separated, as all the lists here. */
  scope: string
  audience: string
  roles: string
  /** How often the refresh token was rotated. */
  generation: number
  rotated_at: number
  /** Lost answers that were noticed after the grace period, since `late_replay_at`. */
  late_replays: number
  late_replay_at: number | null
  created_at: number
  last_seen_at: number
  /** Moves on with each rotation. */
  expires_at: number
  /** Never moves. */
  absolute_expires_at: number
  revoked_at: number | null
  revoked_reason: RevokedReason | null
  auth_time: number
  amr: string
  device: string
  ip: string
  /** The user's own session at Odoo, sealed. */
  odoo_session: string | null
}

export type RevokedReason = 'logout' | 'reuse' | 'code_replay' | 'odoo_session_ended'

/** An authorization code's record. @see RFC 6749 §4.1.2 */
export interface AuthorizationCode {
  /** SHA-256 of the code, base64url. */
  code_hash: string
  /** The session that waits for the code to be redeemed. */
  sid: string
  client_id: string
  redirect_uri: string
  /** @see RFC 7636 §4.2 */
  code_challenge: string
  expires_at: number
}

/** What must all be right for a code to be redeemed. */
export type Redemption = Omit<AuthorizationCode, 'sid' | 'expires_at'>

/**
 * Where sessions live. Each method is one statement, so two callers never see a half of it; each
 * that changes a row says by its answer whether its conditions held.
 */
export interface SessionStore {
  insert(session: Session): Promise<void>
  get(sid: string): Promise<Session | undefined>

  /**
   * Moves a live session from `generation` to the next one.
   * @param idleTtl milliseconds that the session lives on when it is not used again
   * @returns the moved row; undefined if the session is over or at another generation
   */
  rotate(
    sid: string,
    generation: number,
    now: number,
    idleTtl: number,
  ): Promise<Session | undefined>

  /**
   * Counts one lost answer that was noticed late, if the session is still at `generation` and its
   * budget allows.
   * @param since milliseconds since 1970: replays counted before are forgotten
   */
  grantLateReplay(
    sid: string,
    generation: number,
    budget: number,
    now: number,
    since: number,
  ): Promise<Session | undefined>

  /** Moves a row that is behind a valid token (a restored database) to the one after `generation`. */
  moveForward(
    sid: string,
    generation: number,
    now: number,
    idleTtl: number,
  ): Promise<Session | undefined>

  /** Ends a session. @returns whether it was live until now */
  end(sid: string, reason: RevokedReason, now: number): Promise<boolean>

  /** Replaces the sealed Odoo session, if it still is `before`. */
  replaceOdooSession(sid: string, before: string, after: string): Promise<boolean>

  insertCode(code: AuthorizationCode): Promise<void>

  /** Takes a code once. @returns its session's `sid`; undefined if anything does not fit */
  redeemCode(redemption: Redemption, now: number): Promise<string | undefined>

  /** The session of a code that was redeemed before. */
  sidOfRedeemedCode(codeHash: string): Promise<string | undefined>

  /**
   * Gives a session that waited for its code its full life.
   * @param expiresAt milliseconds since 1970
   */
  activate(sid: string, expiresAt: number, now: number): Promise<Session | undefined>

  /** Throws if the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}
