import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Database, Parameter } from './database.ts'

const toValue = (parameter: Parameter): string | number | null =>
  typeof parameter === 'object' && parameter !== null ? JSON.stringify(parameter) : parameter

/**
 * SQLite in one file: nothing to run beside the bridge, and good for one bridge only.
 * What was answered survives a power loss: WAL with synchronous=FULL syncs at each commit.
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function openSqlite(file: string): Database {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000')
  const statements = new Map<string, StatementSync>()

  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (!statement) {
      // SQLite writes a numbered placeholder ?1 where PostgreSQL writes $1.
      statement = database.prepare(sql.replace(/\$(\d+)/g, '?$1'))
      statements.set(sql, statement)
    }
    return statement
  }

  return {
    driver: 'sqlite3',
    query: <Row>(sql: string, parameters: readonly Parameter[] = []) =>
      new Promise<Row[]>((resolve) => {
        resolve(prepare(sql).all(...parameters.map(toValue)) as Row[])
      }),
    execute: (script) =>
      new Promise((resolve) => {
        database.exec(script)
        resolve()
      }),
    // One file is one bridge, and the statements of a process follow one another.
    exclusively: (work) => work(),
    close: () =>
      new Promise((resolve) => {
        database.close()
        resolve()
      }),
  }
}
