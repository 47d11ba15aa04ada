import type { Database } from './database.ts'
import type { Logout, LogoutQueue } from './port.ts'
import { DATABASE_TIME } from './time.ts'

/**
 * Whose client is still to be told of a sign-out: of the session's end, whatever set `revoked_at`,
 * or of the browser's, which the session outlives. Letter by letter as the index has it.
 */
export const TO_BE_TOLD = '(logout_at > 0 OR (logout_at = 0 AND revoked_at IS NOT NULL))'

/** The time of the statement: of a clock that goes on meanwhile, an index knows nothing. */
const NOW: Record<Database['driver'], string> = {
  pg: 'floor(extract(epoch FROM now()) * 1000)::bigint',
  sqlite3: DATABASE_TIME.sqlite3,
}

/** Clients and how many of each, in `$1` and `$2`, as a table. */
const CLIENTS: Record<Database['driver'], string> = {
  pg: 'unnest($1::text[], $2::bigint[]) AS input(client_id, most)',
  sqlite3: `(SELECT a.value AS client_id, b.value AS most
               FROM json_each($1) AS a JOIN json_each($2) AS b ON a.key = b.key) AS input`,
}

const AMONG: Record<Database['driver'], string> = {
  pg: '= ANY($1::text[])',
  sqlite3: 'IN (SELECT value FROM json_each($1))',
}

/**
 * What another bridge has in hand is left to it. Who waits for no row cannot be part of a deadlock,
 * in whatever order it locks. SQLite has one writer, and no row locks.
 */
const UNLOCKED: Record<Database['driver'], string> = { pg: 'FOR UPDATE SKIP LOCKED', sqlite3: '' }

/** The sign-outs that clients are to be told of, on any of the two databases. */
export function createLogouts(database: Database): LogoutQueue {
  const { driver } = database
  const now = NOW[driver]

  // The conditions stand twice: a row that another bridge took in between does not fit any more
  // when it is locked. First every client's first, then every client's second, and so on.
  const claim = `WITH due AS (
      SELECT sessions.sid, logout_at, input.most,
             row_number() OVER (PARTITION BY sessions.client_id
                                    ORDER BY logout_at, sessions.sid) AS place
        FROM sessions JOIN ${CLIENTS[driver]} ON sessions.client_id = input.client_id
       WHERE ${TO_BE_TOLD} AND logout_at <= ${now}
    ), free AS MATERIALIZED (
      SELECT sid FROM sessions
       WHERE sid IN (SELECT sid FROM due WHERE place <= most ORDER BY place, logout_at LIMIT $3)
         AND ${TO_BE_TOLD} AND logout_at <= ${now}
       ${UNLOCKED[driver]})
    UPDATE sessions SET logout_at = ${now} + $4, logout_tries = logout_tries + 1
     WHERE sid IN (SELECT sid FROM free)
 RETURNING sid, uid, client_id, logout_at, logout_tries`

  const forget = `UPDATE sessions SET logout_at = NULL
     WHERE sid IN (
       SELECT sid FROM sessions
        WHERE ${TO_BE_TOLD} AND logout_at <= ${now} AND NOT client_id ${AMONG[driver]}
          AND COALESCE(revoked_at, logout_at) < ${now} - $2
        ${UNLOCKED[driver]})
 RETURNING sid`

  return {
    claim: (clients, most, lease) =>
      database.query<Logout>(claim, [[...clients.keys()], [...clients.values()], most, lease]),

    settle: async (sid) => {
      await database.query('UPDATE sessions SET logout_at = NULL WHERE sid = $1', [sid])
    },

    postpone: async ({ sid, logout_at }, pause) => {
      await database.query(
        `UPDATE sessions SET logout_at = ${now} + $3 WHERE sid = $1 AND logout_at = $2`,
        [sid, logout_at, pause],
      )
    },

    forgetOthers: async (clients, age) => (await database.query(forget, [clients, age])).length,
  }
}
