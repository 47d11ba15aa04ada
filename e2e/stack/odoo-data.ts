/** A copy of the prepared Odoo for one task, with a PostgreSQL of its own. */
import { join } from 'node:path'
import type { OdooOptions } from './parts/odoo.ts'
import { startPostgreSQL } from './parts/postgresql.ts'
import { copyPreparedOdoo, odooFolder, postgresqlFolder } from './prepared.ts'
import { takeRunFolder } from './run-folder.ts'

/**
 * Does something with Odoo's data, and removes them.
 * @param purpose a name for their folder
 * @param contents.addon whether the addon is installed, as it is when left out
 */
export async function withOdooData<Result>(
  purpose: string,
  task: (options: OdooOptions) => Promise<Result>,
  contents: { addon?: boolean } = {},
): Promise<Result> {
  const folder = await takeRunFolder(purpose)
  try {
    await copyPreparedOdoo(folder.path, contents)
    const postgresql = await startPostgreSQL({
      folder: postgresqlFolder(folder.path),
      logFile: join(folder.path, 'postgresql.log'),
      fsync: false,
    })
    try {
      return await task({ folder: odooFolder(folder.path), postgresql })
    } finally {
      await postgresql.part.stop()
    }
  } finally {
    await folder.release()
  }
}
