import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Database, Parameter } from './database.ts'

/** Any number that no other program takes for its advisory lock on this database. */
const MIGRATION_LOCK = 3_141_592_65

const types = new pg.TypeOverrides()
// Times and counters are BIGINT and stay far below 2^53.
types.setTypeParser(pg.types.builtins.INT8, Number)

/** Statements that each connection keeps prepared; more would only fill the server's memory. */
const MOST_PREPARED = 50

/** Names statements, so that PostgreSQL parses and plans each of them once per connection. */
function createNames(): (sql: string) => string | undefined {
  const names = new Map<string, string>()
  return (sql) => {
    const known = names.get(sql)
    if (known !== undefined || names.size >= MOST_PREPARED) return known
    const name = createHash('sha256').update(sql).digest('base64url')
    names.set(sql, name)
    return name
  }
}

/**
 * PostgreSQL: any number of bridges on one database.
 * @param url `postgres://user:password@host:port/database`
 * @param onError connections that broke while idle
 */
export function openPostgres(url: string, onError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: 10,
    connectionTimeoutMillis: 5000,
    // Signing in at PostgreSQL costs more than a connection that waits for the next request.
    idleTimeoutMillis: 60_000,
  })
  const nameOf = createNames()
  // Without a listener, a restart of PostgreSQL would end the bridge.
  pool.on('error', onError)
  return {
    driver: 'pg',
    query: async <Row>(sql: string, parameters: readonly Parameter[] = []) => {
      const name = nameOf(sql)
      const statement = { text: sql, values: [...parameters] }
      return (await pool.query(name === undefined ? statement : { name, ...statement }))
        .rows as Row[]
    },
    execute: async (script) => {
      await pool.query(script)
    },
    exclusively: async (work) => {
      const client = await pool.connect()
      try {
        await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
        return await work()
      } finally {
        // Closing the connection gives the lock back even where the query to do so would fail.
        client.release(true)
      }
    },
    pool: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => pool.end(),
  }
}
