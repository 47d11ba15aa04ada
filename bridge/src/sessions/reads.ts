import { batches } from '../batches.ts'
import type { Database } from './database.ts'
import type { Session } from './port.ts'

/** Reads in one statement. */
const MOST = 500
/** Statements under way. */
const AT_ONCE = 2

const WHERE: Record<Database['driver'], string> = {
  pg: 'sid = ANY($1)',
  sqlite3: 'sid IN (SELECT value FROM json_each($1))',
}

/** Reads sessions, those that are asked for together in one statement. */
export function createReader(database: Database) {
  const sql = `SELECT * FROM sessions WHERE ${WHERE[database.driver]}`
  const read = batches<string, Session | null>(
    async (sids) => {
      const rows = await database.query<Session>(sql, [sids])
      const found = new Map(rows.map((row) => [row.sid, row]))
      return sids.map((sid) => found.get(sid) ?? null)
    },
    { most: MOST, atOnce: AT_ONCE },
  )
  return async (sid: string): Promise<Session | undefined> => (await read(sid)) ?? undefined
}
