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
  /** Odoo's stamp of the user's credentials at sign-in. */
  odoo_stamp: string | null
  /** When Odoo last said that the user may go on. */
  odoo_checked_at: number
}

/** What Odoo said of a session's user, and when it was asked. */
export type Check = Pick<Session, 'roles' | 'odoo_checked_at'>

export type RevokedReason =
  'logout' | 'ended_by_user' | 'reuse' | 'code_replay' | 'odoo_session_ended'

/** One session to be moved from `generation` to the next. Times are milliseconds. */
export interface Rotation {
  sid: string
  generation: number
  /** Since 1970. */
  now: number
  /** The session lives on for so long when it is not used again. */
  idleTtl: number
  /** Since 1970: Odoo must have been asked about the session later than this. */
  checkedAfter: number
}

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
   * Moves a live session from its generation to the next one.
   * @returns the moved row; undefined if the session is over, at another generation, or has to be
   * checked first
   */
  rotate(rotation: Rotation): Promise<Session | undefined>

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

  /** The live sessions of a user, the one used last first. */
  listLive(uid: number, now: number): Promise<Session[]>

  /**
   * Ends a live session of this user, and of no other.
   * @returns what it was; undefined if there is none
   */
  endOwn(sid: string, uid: number, reason: RevokedReason, now: number): Promise<Session | undefined>

  /** Ends all live sessions of a user. @returns what they were */
  endAll(uid: number, reason: RevokedReason, now: number): Promise<Session[]>

  /**
   * Removes sessions that were over, and codes that had expired, before `before`.
   * @param before milliseconds since 1970
   * @returns how many rows
   */
  removeOld(before: number): Promise<number>

  /** Notes that Odoo stands by a session. @returns whether it is live */
  recordCheck(sid: string, check: Check): Promise<boolean>

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
