import type { Database } from './database.ts'
import type { Cutoff, Revocation, RevocationLog } from './port.ts'
import { DATABASE_TIME } from './time.ts'

/**
 * When what is not visible yet can at the earliest have been recorded (`settled`).
 *
 * Times are taken inside a transaction, and it becomes visible at its commit: later, and in any
 * order, because a commit may have to wait for a disk or a standby for as long as that takes; no
 * timeout of PostgreSQL bounds it. So those under way are asked for. Let S be `settled`, and let a
 * revocation be invisible to a statement that is sent after this one was answered.
 * - It was under way when pg_stat_activity was read. It is listed there from before it takes its
 *   time until after it is visible. Its time is not before its xact_start, and that not before S.
 * - It began later. Then it takes its time after this statement's now(), which is not before S.
 *
 * A transaction that neither runs a statement nor has written (its backend_xid is null) cannot hide
 * anything; leaving those out keeps a forgotten psql from holding S back.
 *
 * SQLite has one bridge, which writes and reads one statement after the other.
 */
const TIMES: Record<Database['driver'], string> = {
  pg: `SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS now,
              floor(extract(epoch FROM least(now(), min(xact_start))) * 1000)::bigint AS settled
         FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND (backend_xid IS NOT NULL OR state = 'active') AND pid <> pg_backend_pid()`,
  sqlite3: `SELECT now, now AS settled FROM (SELECT ${DATABASE_TIME.sqlite3} AS now)`,
}

/** Reads what was revoked, by keyset: whatever arrives meanwhile, no row is skipped or doubled. */
export function createRevocationLog(database: Database): RevocationLog {
  return {
    times: async () => {
      const [times] = await database.query<{ now: number; settled: number }>(TIMES[database.driver])
      if (!times) throw new Error('The database did not tell its time.')
      return times
    },

    sessions: ({ revoked_at, sid }, most) =>
      database.query<Revocation>(
        `SELECT revoked_at, sid FROM sessions
          WHERE revoked_at IS NOT NULL AND (revoked_at, sid) > ($1, $2)
          ORDER BY revoked_at, sid LIMIT $3`,
        [revoked_at, sid, most],
      ),

    cutoffs: ({ recorded_at, uid }, most) =>
      database.query<Cutoff>(
        `SELECT recorded_at, uid, cutoff_at FROM user_cutoffs
          WHERE (recorded_at, uid) > ($1, $2)
          ORDER BY recorded_at, uid LIMIT $3`,
        [recorded_at, uid, most],
      ),
  }
}
