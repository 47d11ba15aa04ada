/** A copy of the prepared Odoo for one task, with a PostgreSQL of its own. */
import { join } from 'node:path'
import type { OdooOptions } from './parts/odoo.ts'
import { startPostgreSQL } from './parts/postgresql.ts'
import { copyPreparedOdoo, odooFolder, postgresqlFolder } from './prepared.ts'
import { takeRunFolder } from './run-folder.ts'

export interface OdooData {
  /** What an Odoo is run with. */
  options: OdooOptions
  /** Removes all of it. */
  release(): Promise<void>
}

/**
 * Makes a copy of Odoo's data, for whoever removes it.
 * @param purpose a name for their folder
 * @param contents.addon whether the addon is installed, as it is when left out
 */
export async function openOdooData(
  purpose: string,
  contents: { addon?: boolean } = {},
): Promise<OdooData> {
  const folder = await takeRunFolder(purpose)
  try {
    await copyPreparedOdoo(folder.path, contents)
    const postgresql = await startPostgreSQL({
      folder: postgresqlFolder(folder.path),
      logFile: join(folder.path, 'postgresql.log'),
      fsync: false,
    })
    return {
      options: { folder: odooFolder(folder.path), postgresql },
      async release() {
        await postgresql.part.stop()
        await folder.release()
      },
    }
  } catch (error) {
    await folder.release()
    throw error
  }
}

/**
 * Does something with a copy of Odoo's data, and removes it.
 * @param purpose a name for their folder
 * @param contents.addon whether the addon is installed, as it is when left out
 */
export async function withOdooData<Result>(
  purpose: string,
  task: (options: OdooOptions) => Promise<Result>,
  contents: { addon?: boolean } = {},
): Promise<Result> {
  const data = await openOdooData(purpose, contents)
  try {
    return await task(data.options)
  } finally {
    await data.release()
  }
}
