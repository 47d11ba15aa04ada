import { batches } from '../batches.ts'
import type { Database } from './database.ts'
import type { Rotation, Session } from './port.ts'

/** The columns of a rotation, as a table that both databases make of lists. */
const INPUT: Record<Database['driver'], string> = {
  pg: `unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         AS input(sid, generation, now, idle, checked_after)`,
  sqlite3: `(SELECT a.value AS sid, b.value AS generation, c.value AS now, d.value AS idle,
                    e.value AS checked_after
               FROM json_each($1) AS a
               JOIN json_each($2) AS b ON a.key = b.key
               JOIN json_each($3) AS c ON a.key = c.key
               JOIN json_each($4) AS d ON a.key = d.key
               JOIN json_each($5) AS e ON a.key = e.key) AS input`,
}

/** What makes a session ready to move on. */
const READY = `sessions.sid = input.sid AND sessions.generation = input.generation
           AND sessions.revoked_at IS NULL
           AND sessions.expires_at > input.now AND sessions.absolute_expires_at > input.now
           AND sessions.odoo_checked_at > input.checked_after`

/**
 * Two bridges that lock rows of the same sessions in different orders would wait for each other:
 * everybody locks in the order of `sid`. SQLite has one writer, and no row locks.
 */
const lockedInOrder = `WITH locked AS MATERIALIZED (
    SELECT sessions.sid FROM sessions JOIN ${INPUT.pg} ON ${READY}
     ORDER BY sessions.sid FOR UPDATE OF sessions)`

const statement = (driver: Database['driver'], columns: readonly string[]): string =>
  `${driver === 'pg' ? lockedInOrder : ''}
   UPDATE sessions
      SET generation = sessions.generation + 1, rotated_at = input.now, last_seen_at = input.now,
          expires_at = CASE WHEN input.now + input.idle < absolute_expires_at
                            THEN input.now + input.idle ELSE absolute_expires_at END
     FROM ${INPUT[driver]}${driver === 'pg' ? ' JOIN locked USING (sid)' : ''}
    WHERE ${READY}
RETURNING ${columns.map((column) => `sessions.${column}`).join(', ')}`

/** Rotations in one statement. */
const MOST = 500

/** SQLSTATE of a transaction that PostgreSQL gave up so that another could go on. */
const DEADLOCK = '40P01'

/**
 * Rotates sessions, those that arrive together in one statement and so in one commit: the wait for
 * the disk is shared. While one statement runs, the next batch gathers.
 * @param columns of a session
 */
export function createRotator(database: Database, columns: readonly string[]) {
  const sql = statement(database.driver, columns)

  const run = async (batch: readonly Rotation[]): Promise<Session[]> => {
    const lists = [
      batch.map(({ sid }) => sid),
      batch.map(({ generation }) => generation),
      batch.map(({ now }) => now),
      batch.map(({ idleTtl }) => idleTtl),
      batch.map(({ checkedAfter }) => checkedAfter),
    ]
    try {
      return await database.query<Session>(sql, lists)
    } catch (error) {
      if ((error as { code?: unknown }).code !== DEADLOCK) throw error
      return run(batch)
    }
  }

  const enqueue = batches<Rotation, Session | null>(
    async (batch) => {
      const moved = new Map((await run(batch)).map((row) => [row.sid, row]))
      return batch.map(({ sid }) => moved.get(sid) ?? null)
    },
    // A session twice in one statement would move once; the second waits for the first.
    { most: MOST, atOnce: 1, nameOf: ({ sid }) => sid },
  )
  return async (rotation: Rotation): Promise<Session | undefined> =>
    (await enqueue(rotation)) ?? undefined
}
