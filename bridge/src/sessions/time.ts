import type { Database } from './database.ts'

/**
 * The time of the database in milliseconds since 1970, at the moment when a row is written. It
 * orders what gates read: one clock for all bridges, so theirs may differ.
 *
 * On PostgreSQL clock_timestamp() and not now(): the proof in revocations.ts needs a time within
 * the transaction, never before its beginning.
 */
export const DATABASE_TIME: Record<Database['driver'], string> = {
  pg: 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  sqlite3: "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
}
