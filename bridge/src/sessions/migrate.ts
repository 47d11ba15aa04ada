import { join } from 'node:path'
import Postgrator from 'postgrator'
import type { Database } from './database.ts'

/** Brings the tables to where this version of the bridge wants them. Safe to run by many at once. */
export async function migrate(database: Database): Promise<void> {
  const postgrator = new Postgrator({
    driver: database.driver,
    migrationPattern: join(import.meta.dirname, `../../migrations/{both,${database.driver}}/*.sql`),
    schemaTable: 'migrations',
    execQuery: async (sql: string) => ({ rows: await database.query(sql) }),
    execSqlScript: (sql: string) => database.execute(sql),
  })
  await database.exclusively(() => postgrator.migrate())
}
