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
  /** By the clock of the database, as no other time here. */
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
  /** Odoo's name for its own session in the same browser, where the sign-in came from there. */
  odoo_browser: string | null
  /** The session of the browser that an app's session was begun from. */
  browser_sid: string | null
  /** The `claims` parameter of the app, JSON. @see OpenID Connect Core 1.0 §5.5 */
  claims: string | null
  /**
   * When its client is to be told next that it is over, by the clock of the database. 0: as soon as
   * it is. null: never, or never again.
   */
  logout_at: number | null
  /** How often that was tried. */
  logout_tries: number
  /** Whether its cookie outlives the browser; 0 where the computer is a shared one. */
  persistent: 0 | 1
}

/** What Odoo said of a session's user, and when it was asked. */
export type Check = Pick<Session, 'roles' | 'odoo_checked_at'>

export type RevokedReason =
  | 'logout'
  | 'ended_by_user'
  | 'ended_in_odoo'
  | 'reuse'
  | 'code_replay'
  | 'odoo_session_ended'
  | 'odoo_user_changed'
  | 'odoo_signed_out'
  | 'replaced'
  | 'client_not_allowed'
  | 'revoked_by_client'

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
  /** Empty where there was none. @see RFC 7636 §4.2 */
  code_challenge: string
  /** For the ID token. */
  nonce: string | null
  expires_at: number
}

/** What must all be right for a code to be redeemed. */
export type Redemption = Omit<AuthorizationCode, 'sid' | 'nonce' | 'expires_at'>

/**
 * Where sessions live. Each method changes sessions in one statement, so two callers never see a
 * half of it, and says by its answer whether its conditions held.
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

  /** Ends a session. @returns whether it had not been ended before */
  end(sid: string, reason: RevokedReason): Promise<boolean>

  /** The live sessions of a user, the one used last first. */
  listLive(uid: number, now: number): Promise<Session[]>

  /** The live sessions of all users, the one used last first, `most` of them. */
  listAllLive(most: number, now: number): Promise<Session[]>

  /**
   * Ends a live session of this user, and of no other.
   * @returns what it was; undefined if there is none
   */
  endOwn(sid: string, uid: number, reason: RevokedReason, now: number): Promise<Session | undefined>

  /**
   * Ends all live sessions of a user, and notes that no token of theirs from up to now is good: a
   * session that is just being begun has no row yet that could be ended.
   * @param now milliseconds since 1970, by the clock that tokens are minted by
   * @returns what they were
   */
  endAll(uid: number, reason: RevokedReason, now: number): Promise<Session[]>

  /**
   * Removes sessions that were over, unless a client is still to be told, codes that had expired,
   * cut-offs that were recorded before `before`, and assertions that expired an hour ago.
   * @param before milliseconds since 1970
   * @returns how many rows
   */
  removeOld(before: number): Promise<number>

  /**
   * Notes that Odoo stands by a session.
   * @param since its `odoo_checked_at` when Odoo was asked: where that has changed meanwhile the
   * time stays, because somebody else knows better
   * @returns whether it is live
   */
  recordCheck(sid: string, check: Check, since: number): Promise<boolean>

  /**
   * The users of live sessions that have a stamp, in the order of their ids.
   * @param after the id that was the last one of the page before
   */
  listStamped(after: number, most: number, now: number): Promise<number[]>

  /**
   * Ends the live sessions of users whose stamp is another one by now.
   * @param stamps of users, by uid; sessions without a stamp are left alone
   * @param begunBefore milliseconds since 1970: when the stamps were asked for. What began later
   * may know a newer stamp
   * @returns what they were
   */
  endChanged(
    stamps: ReadonlyMap<number, string>,
    reason: RevokedReason,
    begunBefore: number,
  ): Promise<Session[]>

  /**
   * Names of browsers that live sessions were continued from, in their order.
   * @param after the name that was the last one of the page before
   */
  listBrowsers(after: string, most: number, now: number): Promise<string[]>

  /** Ends the live sessions that were continued from these browsers. @returns what they were */
  endBrowsers(browsers: readonly string[], reason: RevokedReason, now: number): Promise<Session[]>

  /** Has apps that were let in from one session of a browser belong to another. */
  moveApps(fromSid: string, toSid: string): Promise<void>

  /**
   * Ends the live sessions that were begun from one of a browser. Those that are meant to outlive it
   * (`offline_access`) go on, if their code was redeemed, but their clients are to be told.
   * @returns what was ended
   * @see OpenID Connect Back-Channel Logout 1.0 §2.7
   */
  endOfBrowser(browserSid: string, reason: RevokedReason, now: number): Promise<Session[]>

  /** Ends the live sessions of a user at one client. @returns what they were */
  endAtClient(uid: number, clientId: string, reason: RevokedReason, now: number): Promise<Session[]>

  /**
   * Has Odoo asked about all sessions of these users at their next refresh.
   * @param checkedAt milliseconds since 1970: none of them was checked later than that
   */
  ageChecks(uids: readonly number[], checkedAt: number): Promise<void>

  /** Replaces the sealed Odoo session, if it still is `before`. */
  replaceOdooSession(sid: string, before: string, after: string): Promise<boolean>

  insertCode(code: AuthorizationCode): Promise<void>

  /** Takes a code once. @returns undefined if anything does not fit */
  redeemCode(
    redemption: Redemption,
    now: number,
  ): Promise<Pick<AuthorizationCode, 'sid' | 'nonce'> | undefined>

  /** The session of a code that was redeemed before. */
  sidOfRedeemedCode(codeHash: string): Promise<string | undefined>

  /**
   * Gives a session that waited for its code its full life. From here on its client knows of it,
   * and is to be told when it is over.
   * @param expiresAt milliseconds since 1970
   */
  activate(sid: string, expiresAt: number, now: number): Promise<Session | undefined>

  /**
   * Takes an assertion of a client once.
   * @param until milliseconds since 1970: it is remembered until it has expired
   * @returns whether it is the first time
   */
  takeAssertion(hash: string, until: number): Promise<boolean>

  /** Throws if the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** An ended session, and when that was recorded. */
export interface Revocation {
  revoked_at: number
  sid: string
}

/** A user whose tokens from up to `cutoff_at` are refused. */
export interface Cutoff {
  /** By the clock of the database. */
  recorded_at: number
  uid: number
  /** By the clock that tokens are minted by. */
  cutoff_at: number
}

/** Where a reader of the log stands: behind this entry. */
export interface LogPosition {
  session: Revocation
  cutoff: Omit<Cutoff, 'cutoff_at'>
}

/**
 * What was revoked, for gates: in the order in which the database recorded it, which is not the
 * order in which it becomes visible. Times are milliseconds since 1970.
 */
export interface RevocationLog {
  /**
   * To be asked before a reading of the log begins.
   * @returns the database's `now`, and `settled`: what the reading cannot see yet will turn out to
   * have been recorded at this time or later
   */
  times(): Promise<{ now: number; settled: number }>

  /** The ended sessions behind a position, the oldest first. */
  sessions(after: LogPosition['session'], most: number): Promise<Revocation[]>

  /** The cut-offs behind a position, the oldest first. */
  cutoffs(after: LogPosition['cutoff'], most: number): Promise<Cutoff[]>
}

/** What bridges keep of the Odoo that they are paired with. */
export interface PairingStore {
  /**
   * Keeps a key for an audience that has none yet.
   * @returns the key that was first
   */
  pin(audience: string, eventKey: string): Promise<string>
  /** Forgets it. @returns whether there was one */
  unpin(audience: string): Promise<boolean>
  /**
   * Takes a proof of that Odoo once, by whichever bridge.
   * @param expiresAt milliseconds since 1970: it is remembered for so long
   * @returns whether it had not been taken before
   */
  takeProof(audience: string, jti: string, expiresAt: number): Promise<boolean>
  /**
   * Whether it is this bridge's turn to compare all stamps: nobody has begun to for `interval`
   * milliseconds. Only one bridge is told so.
   */
  beginComparison(audience: string, interval: number): Promise<boolean>
}

/** What a user has let an app have. */
export interface Consent {
  client_id: string
  /** Space separated. */
  scope: string
  /** Milliseconds since 1970: the last time. */
  granted_at: number
}

/** A sign-out that a client is being told of, by whoever has claimed it. */
export type Logout = Pick<Session, 'sid' | 'uid' | 'client_id' | 'logout_tries'> & {
  /** Until then nobody else claims it. */
  logout_at: number
}

/**
 * The sign-outs that clients are still to be told of, shared by all bridges. What puts them there is
 * the end of a session, and nothing else has to be done for that.
 */
export interface LogoutQueue {
  /**
   * Takes some that are due, the same number of each client first.
   * @param clients how many of each client at most, by its `client_id`
   * @param most of all together
   * @param lease milliseconds: what is not settled or postponed by then may be claimed again
   */
  claim(clients: ReadonlyMap<string, number>, most: number, lease: number): Promise<Logout[]>
  /** Nothing is left to tell of this session. */
  settle(sid: string): Promise<void>
  /**
   * Has it claimed again later, unless somebody else has claimed it meanwhile.
   * @param pause milliseconds
   */
  postpone(logout: Logout, pause: number): Promise<void>
  /**
   * Forgets what is due for others than these clients.
   * @param age milliseconds that it must have been due for
   * @returns how many
   */
  forgetOthers(clients: readonly string[], age: number): Promise<number>
}

/** What users have let apps have. */
export interface ConsentStore {
  /** @returns nothing where they were not asked yet */
  scopeOf(uid: number, clientId: string): Promise<string[]>
  /** All that a user has let apps have, in the order of the clients' ids. */
  list(uid: number): Promise<Consent[]>
  /**
   * Lets an app have these scopes beside those of before.
   * @param now milliseconds since 1970
   */
  grant(uid: number, clientId: string, scope: readonly string[], now: number): Promise<void>
  /** @returns whether there was anything to take back */
  withdraw(uid: number, clientId: string): Promise<boolean>
}
