import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/**
 * The database that the settings name.
 * @param onError connections that broke while idle
 */
export const openDatabase = (
  settings: { DATABASE_URL?: string; SQLITE_FILE: string },
  onError: (error: Error) => void,
): Database =>
  settings.DATABASE_URL === undefined
    ? openSqlite(settings.SQLITE_FILE)
    : openPostgres(settings.DATABASE_URL, onError)
