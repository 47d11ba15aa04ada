/**
 * The prepared Odoo: a database with demo data and the addon, made once and copied for each stack.
 * It lies in two layers, so that an edit of the addon installs only that one again.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { digestOf } from './builds.ts'
import { StackError } from './error.ts'
import { withLock } from './lock.ts'
import { ADDON, ADDONS_FOLDER, runOdoo, type OdooOptions } from './parts/odoo.ts'
import {
  forgetPasswords,
  ODOO_DATABASE,
  startPostgreSQL,
  type PostgreSQL,
} from './parts/postgresql.ts'
import { run } from './process.ts'
import { STACK_DIR } from './paths.ts'
import { rootPath } from './roots.ts'

// The demo data bring the users admin, demo and portal, each with its name as the password.
const MODULES = ['base', 'web', 'auth_totp', 'contacts', 'rpc']

/** Changes when the database has to be made anew: other modules, users, or another Odoo. */
export const baseRecipe = (): string =>
  createHash('sha256')
    .update(JSON.stringify([MODULES, basename(rootPath('stack'))]))
    .digest('hex')
    .slice(0, 12)

/** Changes when the addon has to be installed or upgraded. Its tests run from the sources. */
export const addonDigest = (): Promise<string> =>
  digestOf(ADDONS_FOLDER, new Set(['tests', '__pycache__']))

const COMPLETE = 'complete'
const LOCK = join(STACK_DIR, 'locks', 'prepared')

/** Where the data of PostgreSQL and of Odoo lie below a stack's folder. */
export const postgresqlFolder = (folder: string): string => join(folder, 'postgresql')
export const odooFolder = (folder: string): string => join(folder, 'odoo')

/** Does something on the data below `folder` with a PostgreSQL that runs for it alone. */
async function withPostgreSQL(
  folder: string,
  task: (options: OdooOptions) => Promise<void>,
): Promise<void> {
  const postgresql = await startPostgreSQL({
    folder: postgresqlFolder(folder),
    logFile: join(folder, 'postgresql.log'),
    fsync: false,
  })
  try {
    await task({ folder: odooFolder(folder), postgresql })
  } finally {
    await postgresql.part.stop()
  }
}

async function copyData(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  const folders = [postgresqlFolder(from), odooFolder(from)]
  await run(['cp', '-a', '--reflink=auto', ...folders, to])
  forgetPasswords(postgresqlFolder(to))
}

/** Makes a layer in a folder of its own, which gets its name only when all went well. */
async function makeLayer(folder: string, make: (unfinished: string) => Promise<void>) {
  const unfinished = `${folder}.tmp`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  await make(unfinished)
  // fsync was off while it was made.
  await run(['sync', '--file-system', unfinished])
  await writeFile(join(unfinished, COMPLETE), '')
  await rm(folder, { recursive: true, force: true })
  await rename(unfinished, folder)
}

const isComplete = (folder: string): boolean => existsSync(join(folder, COMPLETE))

async function loadModules(options: OdooOptions, args: string[]): Promise<void> {
  await runOdoo(options, [...args, '--stop-after-init', '--no-http'])
}

async function assertInstalled(postgresql: PostgreSQL, module: string): Promise<void> {
  const rows = await postgresql.query(
    ODOO_DATABASE,
    `SELECT FROM ir_module_module WHERE name = $1 AND state = 'installed'`,
    [module],
  )
  if (rows.length === 0) throw new StackError(`Odoo did not install the module ${module}.`)
}

async function ensureLayers(onProgress: (text: string) => void): Promise<string> {
  const base = join(STACK_DIR, `prepared-${baseRecipe()}`, 'base')
  const withAddon = join(dirname(base), `addon-${await addonDigest()}`)
  if (!isComplete(base)) {
    await makeLayer(base, (folder) =>
      withPostgreSQL(folder, async (options) => {
        onProgress(`1/2 installing ${MODULES.join(', ')}, about 20 s`)
        await loadModules(options, ['--init', MODULES.join(','), '--with-demo'])
        await assertInstalled(options.postgresql, 'contacts')
      }),
    )
  }
  if (!isComplete(withAddon)) {
    onProgress(`2/2 installing ${ADDON}`)
    await makeLayer(withAddon, async (folder) => {
      await copyData(base, folder)
      await withPostgreSQL(folder, async (options) => {
        await loadModules(options, ['--init', ADDON])
        await assertInstalled(options.postgresql, ADDON)
      })
    })
    for (const layer of await readdir(dirname(base))) {
      const stale = layer.startsWith('addon-') && join(dirname(base), layer) !== withAddon
      if (stale) await rm(join(dirname(base), layer), { recursive: true })
    }
  }
  return withAddon
}

/** Makes the prepared Odoo unless it is there. Needs the stack root. */
export async function prepareOdoo(onProgress: (text: string) => void): Promise<void> {
  await withLock(LOCK, () => ensureLayers(onProgress))
}

/**
 * Copies the prepared Odoo into a stack's folder.
 * @param options.addon whether the addon is installed in it, as it is when left out
 */
export async function copyPreparedOdoo(folder: string, { addon = true } = {}): Promise<void> {
  await withLock(LOCK, async () => {
    const withAddon = await ensureLayers(() => undefined)
    await copyData(addon ? withAddon : join(dirname(withAddon), 'base'), folder)
  })
}

/** Upgrades the addon in data that was made with another state of it. */
export const upgradeAddon = (options: OdooOptions): Promise<void> =>
  loadModules(options, ['--update', ADDON])
