/** Odoo 19 of the stack root, with the addon of this repository. */
import { join } from 'node:path'
import { privateFile, privateFolder, newSecret } from '../folders.ts'
import { freePort } from '../ports.ts'
import { answers, run, startPart, untilReady, type Part, type RunOptions } from '../process.ts'
import { REPOSITORY } from '../paths.ts'
import { inRoot, userOf, type InRootOptions } from '../roots.ts'
import { ODOO_DATABASE, ODOO_ROLE, type PostgreSQL } from './postgresql.ts'

const USER = 'odoo'

/** The addon that pairs Odoo with the bridge. */
export const ADDON = 'auth_drawbridge'

/** The addon that shows how another one takes access tokens. */
export const DEMO_ADDON = 'auth_drawbridge_demo'

/** Our addons, as this repository has them. */
export const ADDONS_FOLDER = join(REPOSITORY, 'odoo-addon')

export interface OdooOptions {
  /** Holds its configuration, attachments and sessions. */
  folder: string
  postgresql: PostgreSQL
  /** Processes that answer requests; 0, the default, is one process with threads. */
  workers?: number
  /** A folder of pip's with addons of others and what they need, as {@link installPython} makes it. */
  packages?: string
}

/** Writes the configuration file, and returns the port that Odoo will listen on. */
async function configure(options: OdooOptions): Promise<number> {
  const { folder, postgresql, workers = 0, packages } = options
  const owner = userOf('stack', USER)
  privateFolder(folder, owner)
  const port = await freePort()
  const settings = {
    addons_path: [
      ...['/usr/lib/python3/dist-packages/odoo/addons', '/mnt/addons'],
      ...(packages === undefined ? [] : ['/mnt/packages/odoo/addons']),
    ].join(','),
    data_dir: '/mnt/odoo',
    db_host: '127.0.0.1',
    db_port: postgresql.port,
    db_user: ODOO_ROLE,
    db_password: postgresql.odooPassword,
    // No dbfilter beside it: Odoo would list all databases anew for each request without a cookie.
    db_name: ODOO_DATABASE,
    list_db: 'False',
    admin_passwd: newSecret(),
    http_interface: '127.0.0.1',
    http_port: port,
    proxy_mode: 'True',
    workers,
    // For the bus, in a process of its own where there are workers.
    gevent_port: await freePort(),
    max_cron_threads: 0,
    // Debian's own configuration would pull in 60 modules.
    default_productivity_apps: 'False',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  privateFile(join(folder, 'odoo.conf'), ['[options]', ...lines, ''].join('\n'), owner)
  return port
}

function command({ folder, packages }: OdooOptions, args: string[]): string[] {
  const options: InRootOptions = {
    user: USER,
    binds: { '/mnt/odoo': folder },
    readOnlyBinds: {
      '/mnt/addons': ADDONS_FOLDER,
      ...(packages === undefined ? {} : { '/mnt/packages': packages }),
    },
  }
  // A command of Odoo's, such as shell, stands before its options.
  const [first = '', ...rest] = args
  const [name, settings] = first.startsWith('-') || first === '' ? ['server', args] : [first, rest]
  return inRoot('stack', ['odoo', name, '-c', '/mnt/odoo/odoo.conf', ...settings], options)
}

const environment = ({ packages }: OdooOptions) => ({
  HOME: '/mnt/odoo',
  ...(packages === undefined ? {} : { PYTHONPATH: '/mnt/packages' }),
})

/**
 * Runs Odoo to its end, for instance to install a module.
 * @param args after the configuration; a command of Odoo's comes first
 * @returns what it printed, its log apart
 * @throws StackError with the last lines of its log
 */
export async function runOdoo(
  options: OdooOptions,
  args: string[],
  runOptions: RunOptions = {},
): Promise<string> {
  await configure(options)
  return run(command(options, args), {
    name: `odoo ${args.join(' ')}`,
    ...runOptions,
    env: { ...process.env, ...environment(options) },
  })
}

export interface Odoo {
  part: Part
  port: number
}

/** Starts Odoo's server on a free port of 127.0.0.1. */
export async function startOdoo(options: OdooOptions & { logFile: string }): Promise<Odoo> {
  const port = await configure(options)
  const part = startPart({
    name: 'Odoo',
    logFile: options.logFile,
    command: command(options, []),
    env: environment(options),
  })
  try {
    await untilReady(part, answers(`http://127.0.0.1:${port}/web/health`))
  } catch (error) {
    await part.stop()
    throw error
  }
  return { part, port }
}

/** Sets system parameters in a database that no Odoo has open yet, and so has not cached. */
export async function setParameters(
  postgresql: PostgreSQL,
  parameters: Record<string, string>,
): Promise<void> {
  for (const [key, value] of Object.entries(parameters)) {
    await postgresql.query(
      ODOO_DATABASE,
      `INSERT INTO ir_config_parameter (key, value, create_uid, write_uid, create_date, write_date)
       VALUES ($1, $2, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, write_date = excluded.write_date`,
      [key, value],
    )
  }
}

/** The identity of the database, which is part of the audience of its API. */
export async function databaseUuid(postgresql: PostgreSQL): Promise<string> {
  const [row] = await postgresql.query<{ value: string }>(
    ODOO_DATABASE,
    `SELECT value FROM ir_config_parameter WHERE key = 'database.uuid'`,
  )
  if (row === undefined) throw new Error('Odoo has no database.uuid')
  return row.value
}
