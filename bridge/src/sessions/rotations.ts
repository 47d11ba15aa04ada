import type { Database } from './database.ts'
import type { Session } from './port.ts'

/** One session to be moved from `generation` to the next. Times are milliseconds. */
export interface Rotation {
  sid: string
  generation: number
  now: number
  idleTtl: number
}

/** The columns of a rotation, as a table that both databases make of four lists. */
const INPUT: Record<Database['driver'], string> = {
  pg: 'unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS input(sid, generation, now, idle)',
  sqlite3: `(SELECT a.value AS sid, b.value AS generation, c.value AS now, d.value AS idle
               FROM json_each($1) AS a
               JOIN json_each($2) AS b ON a.key = b.key
               JOIN json_each($3) AS c ON a.key = c.key
               JOIN json_each($4) AS d ON a.key = d.key) AS input`,
}

/** What makes a session ready to move on. */
const READY = `sessions.sid = input.sid AND sessions.generation = input.generation
           AND sessions.revoked_at IS NULL
           AND sessions.expires_at > input.now AND sessions.absolute_expires_at > input.now`

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
    ]
    try {
      return await database.query<Session>(sql, lists)
    } catch (error) {
      if ((error as { code?: unknown }).code !== DEADLOCK) throw error
      return run(batch)
    }
  }

  return batched(run)
}

interface Waiting {
  rotation: Rotation
  resolve: (session: Session | undefined) => void
  reject: (error: unknown) => void
}

/** Gathers single calls into batches, one batch at a time, a session at most once in each. */
function batched(run: (batch: readonly Rotation[]) => Promise<Session[]>) {
  let waiting: Waiting[] = []
  let running = false

  /** Takes what can go together; a second rotation of a session waits for the first. */
  const take = (): Waiting[] => {
    const taken = new Map<string, Waiting>()
    const left: Waiting[] = []
    for (const each of waiting) {
      if (taken.has(each.rotation.sid)) left.push(each)
      else taken.set(each.rotation.sid, each)
    }
    waiting = left
    return [...taken.values()]
  }

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = take()
      try {
        const rows = await run(batch.map(({ rotation }) => rotation))
        const moved = new Map(rows.map((row) => [row.sid, row]))
        for (const { rotation, resolve } of batch) resolve(moved.get(rotation.sid))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (rotation: Rotation): Promise<Session | undefined> =>
    new Promise((resolve, reject) => {
      waiting.push({ rotation, resolve, reject })
      if (running) return
      running = true
      // After all that arrived in this turn of the event loop.
      setImmediate(() => void flush())
    })
}
