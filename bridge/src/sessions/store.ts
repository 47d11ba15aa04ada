import type { Database, Parameter } from './database.ts'
import { TO_BE_TOLD } from './logouts.ts'
import { migrate } from './migrate.ts'
import type { AuthorizationCode, Session, SessionStore } from './port.ts'
import { createReader } from './reads.ts'
import { createRotator } from './rotations.ts'
import { DATABASE_TIME } from './time.ts'

/** What makes a session live, at the time `$2`. */
const LIVE = 'revoked_at IS NULL AND expires_at > $2 AND absolute_expires_at > $2'

/** Portable spelling of LEAST(now + idle, absolute), with now in $2 and idle in $3. */
const NEXT_EXPIRY =
  'CASE WHEN $2 + $3 < absolute_expires_at THEN $2 + $3 ELSE absolute_expires_at END'

/**
 * A session that goes on where its browser is signed out. One whose code is still to be redeemed
 * does not: nobody would be told of the sign-out, and it would begin after it.
 */
const OUTLIVES = "(' ' || scope || ' ') LIKE '% offline_access %' AND logout_at IS NOT NULL"

/** A list of users with their stamps in `$1` and `$4`, as a table. */
const STAMPS: Record<Database['driver'], string> = {
  pg: 'unnest($1::bigint[], $4::text[]) AS input(uid, stamp)',
  sqlite3: `(SELECT a.value AS uid, b.value AS stamp
               FROM json_each($1) AS a JOIN json_each($4) AS b ON a.key = b.key) AS input`,
}

/** Whether it is in the list of `$1`, of numbers or of texts. */
const AMONG: Record<Database['driver'], (type: 'bigint' | 'text') => string> = {
  pg: (type) => `= ANY($1::${type}[])`,
  sqlite3: () => 'IN (SELECT value FROM json_each($1))',
}

/** Locks rows in the order in which rotations do, or the two could wait for each other. */
const IN_ORDER: Record<Database['driver'], string> = {
  pg: 'ORDER BY sessions.sid FOR UPDATE OF sessions',
  sqlite3: '',
}

const COLUMNS = [
  'sid',
  'uid',
  'client_id',
  'scope',
  'audience',
  'roles',
  'generation',
  'rotated_at',
  'late_replays',
  'late_replay_at',
  'created_at',
  'last_seen_at',
  'expires_at',
  'absolute_expires_at',
  'revoked_at',
  'revoked_reason',
  'auth_time',
  'amr',
  'device',
  'ip',
  'odoo_session',
  'odoo_stamp',
  'odoo_checked_at',
  'odoo_browser',
  'browser_sid',
  'claims',
  'logout_at',
  'logout_tries',
  'persistent',
] as const satisfies (keyof Session)[]

const INSERT = `INSERT INTO sessions (${COLUMNS.join(', ')})
  VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`

/**
 * The store on any of the two databases; brings the tables up to date first.
 * It owns `database` from here on.
 */
export async function openStore(database: Database): Promise<SessionStore> {
  await migrate(database)
  const rotate = createRotator(database, COLUMNS)
  const get = createReader(database)
  const time = DATABASE_TIME[database.driver]

  const one = async <Row = Session>(
    sql: string,
    parameters: readonly Parameter[],
  ): Promise<Row | undefined> => (await database.query<Row>(sql, parameters))[0]

  return {
    insert: async (session) => {
      await database.query(
        INSERT,
        COLUMNS.map((column) => session[column]),
      )
    },

    get,

    rotate,

    grantLateReplay: (sid, generation, budget, now, since) =>
      one(
        `UPDATE sessions
            SET late_replays = CASE WHEN late_replay_at > $5 THEN late_replays + 1 ELSE 1 END,
                late_replay_at = CASE WHEN late_replay_at > $5 THEN late_replay_at ELSE $2 END,
                last_seen_at = $2
          WHERE sid = $1 AND generation = $3 AND ${LIVE}
            AND (late_replays < $4 OR late_replay_at <= $5)
      RETURNING *`,
        [sid, now, generation, budget, since],
      ),

    moveForward: (sid, generation, now, idleTtl) =>
      one(
        `UPDATE sessions
            SET generation = $4, rotated_at = $2, last_seen_at = $2, expires_at = ${NEXT_EXPIRY}
          WHERE sid = $1 AND generation < $4 AND ${LIVE}
      RETURNING *`,
        [sid, now, idleTtl, generation + 1],
      ),

    end: async (sid, reason) => {
      // A client that gives its token back knows, and its user may go on there. @see RFC 7009 §1
      const row = await one(
        `UPDATE sessions
            SET revoked_at = ${time}, revoked_reason = $2,
                logout_at = CASE WHEN $2 = 'revoked_by_client' THEN NULL ELSE logout_at END
          WHERE sid = $1 AND revoked_at IS NULL
      RETURNING sid`,
        [sid, reason],
      )
      return row !== undefined
    },

    listLive: (uid, now) =>
      database.query(
        `SELECT * FROM sessions WHERE uid = $1 AND ${LIVE} ORDER BY last_seen_at DESC, sid`,
        [uid, now],
      ),

    listAllLive: (most, now) =>
      database.query(
        `SELECT * FROM sessions WHERE ${LIVE} ORDER BY last_seen_at DESC, sid LIMIT $1`,
        [most, now],
      ),

    endOwn: (sid, uid, reason, now) =>
      one(
        `UPDATE sessions SET revoked_at = ${time}, revoked_reason = $3
          WHERE sid = $1 AND uid = $4 AND ${LIVE}
      RETURNING *`,
        [sid, now, reason, uid],
      ),

    endAll: async (uid, reason, now) => {
      // First: where the second statement fails, the user's own session is still there to ask again.
      await database.query(
        `INSERT INTO user_cutoffs (uid, cutoff_at, recorded_at) VALUES ($1, $2, ${time})
             ON CONFLICT (uid) DO UPDATE SET cutoff_at = $2, recorded_at = ${time}
          WHERE user_cutoffs.cutoff_at < $2`,
        [uid, now],
      )
      return database.query<Session>(
        `UPDATE sessions SET revoked_at = ${time}, revoked_reason = $3
          WHERE uid = $1 AND ${LIVE}
      RETURNING *`,
        [uid, now, reason],
      )
    },

    removeOld: async (before) => {
      const sessions = await database.query(
        `DELETE FROM sessions
          WHERE (revoked_at < $1 OR expires_at < $1 OR absolute_expires_at < $1)
            AND ${TO_BE_TOLD} IS NOT TRUE
      RETURNING sid`,
        [before],
      )
      const codes = await database.query(
        'DELETE FROM authorization_codes WHERE expires_at < $1 RETURNING sid',
        [before],
      )
      const cutoffs = await database.query(
        'DELETE FROM user_cutoffs WHERE recorded_at < $1 RETURNING uid',
        [before],
      )
      // An hour: the clocks of bridges may differ from the database's.
      const assertions = await database.query(
        `DELETE FROM client_assertions WHERE expires_at < ${time} - 3600000
      RETURNING expires_at`,
      )
      return sessions.length + codes.length + cutoffs.length + assertions.length
    },

    recordCheck: async (sid, { roles, odoo_checked_at }, since) => {
      const row = await one(
        `UPDATE sessions
            SET roles = $2,
                odoo_checked_at = CASE WHEN odoo_checked_at = $4 THEN $3 ELSE odoo_checked_at END
          WHERE sid = $1 AND revoked_at IS NULL
      RETURNING sid`,
        [sid, roles, odoo_checked_at, since],
      )
      return row !== undefined
    },

    listStamped: async (after, most, now) => {
      const rows = await database.query<{ uid: number }>(
        `SELECT DISTINCT uid FROM sessions
          WHERE uid > $1 AND odoo_stamp IS NOT NULL AND ${LIVE}
          ORDER BY uid LIMIT $3`,
        [after, now, most],
      )
      return rows.map(({ uid }) => uid)
    },

    endChanged: (stamps, reason, begunBefore) =>
      database.query<Session>(
        `UPDATE sessions SET revoked_at = ${time}, revoked_reason = $3
          WHERE revoked_at IS NULL AND sid IN (
            SELECT sessions.sid
              FROM sessions JOIN ${STAMPS[database.driver]} ON sessions.uid = input.uid
             WHERE odoo_stamp <> input.stamp AND created_at < $2 AND ${LIVE}
             ${IN_ORDER[database.driver]})
      RETURNING *`,
        [[...stamps.keys()], begunBefore, reason, [...stamps.values()]],
      ),

    listBrowsers: async (after, most, now) => {
      const rows = await database.query<{ odoo_browser: string }>(
        `SELECT DISTINCT odoo_browser FROM sessions
          WHERE odoo_browser > $1 AND ${LIVE}
          ORDER BY odoo_browser LIMIT $3`,
        [after, now, most],
      )
      return rows.map(({ odoo_browser }) => odoo_browser)
    },

    endBrowsers: (browsers, reason, now) =>
      database.query<Session>(
        `UPDATE sessions SET revoked_at = ${time}, revoked_reason = $3
          WHERE revoked_at IS NULL AND sid IN (
            SELECT sid FROM sessions
             WHERE odoo_browser ${AMONG[database.driver]('text')} AND ${LIVE}
             ${IN_ORDER[database.driver]})
      RETURNING *`,
        [browsers, now, reason],
      ),

    moveApps: async (fromSid, toSid) => {
      await database.query('UPDATE sessions SET browser_sid = $2 WHERE browser_sid = $1', [
        fromSid,
        toSid,
      ])
    },

    endOfBrowser: async (browserSid, reason, now) => {
      const sessions = await database.query<Session>(
        `UPDATE sessions
            SET revoked_at = CASE WHEN ${OUTLIVES} THEN NULL ELSE ${time} END,
                revoked_reason = CASE WHEN ${OUTLIVES} THEN NULL ELSE $3 END,
                logout_at = CASE WHEN logout_at = 0 THEN ${time} ELSE logout_at END
          WHERE revoked_at IS NULL AND sid IN (
            SELECT sid FROM sessions WHERE browser_sid = $1 AND ${LIVE}
             ${IN_ORDER[database.driver]})
      RETURNING *`,
        [browserSid, now, reason],
      )
      return sessions.filter(({ revoked_at }) => revoked_at !== null)
    },

    endAtClient: (uid, clientId, reason, now) =>
      database.query<Session>(
        `UPDATE sessions SET revoked_at = ${time}, revoked_reason = $3
          WHERE revoked_at IS NULL AND sid IN (
            SELECT sid FROM sessions
             WHERE uid = $1 AND client_id = $4 AND ${LIVE}
             ${IN_ORDER[database.driver]})
      RETURNING *`,
        [uid, now, reason, clientId],
      ),

    ageChecks: async (uids, checkedAt) => {
      await database.query(
        `UPDATE sessions SET odoo_checked_at = $2
          WHERE sid IN (
            SELECT sid FROM sessions
             WHERE uid ${AMONG[database.driver]('bigint')} AND odoo_checked_at > $2 AND ${LIVE}
             ${IN_ORDER[database.driver]})`,
        [uids, checkedAt],
      )
    },

    replaceOdooSession: async (sid, before, after) => {
      const row = await one(
        'UPDATE sessions SET odoo_session = $3 WHERE sid = $1 AND odoo_session = $2 RETURNING sid',
        [sid, before, after],
      )
      return row !== undefined
    },

    insertCode: async (code) => {
      await database.query(
        `INSERT INTO authorization_codes
           (code_hash, sid, client_id, redirect_uri, code_challenge, nonce, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [
          code.code_hash,
          code.sid,
          code.client_id,
          code.redirect_uri,
          code.code_challenge,
          code.nonce,
          code.expires_at,
        ],
      )
    },

    redeemCode: ({ code_hash, client_id, redirect_uri, code_challenge }, now) =>
      one<Pick<AuthorizationCode, 'sid' | 'nonce'>>(
        `UPDATE authorization_codes SET redeemed_at = $2
          WHERE code_hash = $1 AND redeemed_at IS NULL AND expires_at > $2
            AND client_id = $3 AND redirect_uri = $4 AND code_challenge = $5
      RETURNING sid, nonce`,
        [code_hash, now, client_id, redirect_uri, code_challenge],
      ),

    sidOfRedeemedCode: async (codeHash) => {
      const row = await one<{ sid: string }>(
        'SELECT sid FROM authorization_codes WHERE code_hash = $1 AND redeemed_at IS NOT NULL',
        [codeHash],
      )
      return row?.sid
    },

    activate: (sid, expiresAt, now) =>
      one(
        `UPDATE sessions
            SET last_seen_at = $2, logout_at = 0,
                expires_at = CASE WHEN $3 < absolute_expires_at THEN $3 ELSE absolute_expires_at END
          WHERE sid = $1 AND generation = 0 AND ${LIVE}
      RETURNING *`,
        [sid, now, expiresAt],
      ),

    takeAssertion: async (hash, until) => {
      const row = await one(
        `INSERT INTO client_assertions (assertion_hash, expires_at) VALUES ($1, $2)
             ON CONFLICT (assertion_hash) DO NOTHING
      RETURNING assertion_hash`,
        [hash, until],
      )
      return row !== undefined
    },

    ping: async () => {
      await database.query('SELECT 1')
    },
    close: () => database.close(),
  }
}
