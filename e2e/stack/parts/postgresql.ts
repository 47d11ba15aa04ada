/** PostgreSQL 17 of the stack root: one server, a database for Odoo and one for the bridge. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { privateFile, privateFolder, secretIn } from '../folders.ts'
import { freePort } from '../ports.ts'
import { run, startPart, untilReady, type Part } from '../process.ts'
import { inRoot, userOf } from '../roots.ts'

const BIN = '/usr/lib/postgresql/17/bin'
const SUPERUSER = 'postgres'
const ROOT = { uid: 0, gid: 0 }

/** Databases, each owned by the role of the same name, which no other role can connect to. */
export const ODOO_DATABASE = 'drawbridge'
export const ODOO_ROLE = 'odoo'
export const BRIDGE_DATABASE = 'bridge'
const BRIDGE_ROLE = 'bridge'

export interface PostgreSQLOptions {
  /** Holds the cluster and its passwords. */
  folder: string
  logFile: string
  /** Whether what was committed outlives a power loss. Tests on data of a moment do without. */
  fsync: boolean
}

export interface PostgreSQL {
  part: Part
  port: number
  odooPassword: string
  /** The bridge's database, as a `postgres://` URL. */
  bridgeUrl: string
  /** Runs statements as superuser in a database. */
  query<Row extends pg.QueryResultRow>(
    database: string,
    sql: string,
    values?: unknown[],
  ): Promise<Row[]>
}

async function initialize(folder: string, password: string): Promise<void> {
  const passwordFile = join(folder, 'initdb-password')
  privateFile(passwordFile, password, userOf('stack', SUPERUSER))
  const initdb = [`${BIN}/initdb`, '--pgdata=/mnt/postgresql/data', `--username=${SUPERUSER}`]
  await run(
    inRoot(
      'stack',
      [
        ...initdb,
        ...['--auth=scram-sha-256', '--pwfile=/mnt/postgresql/initdb-password'],
        ...['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync', '--data-checksums'],
      ],
      { user: SUPERUSER, binds: { '/mnt/postgresql': folder } },
    ),
    { name: 'initdb' },
  )
  rmSync(passwordFile)
}

/** Lets the roles of a copied cluster have passwords of their own. */
export function forgetPasswords(folder: string): void {
  for (const role of [ODOO_ROLE, BRIDGE_ROLE]) rmSync(join(folder, `${role}-password`))
}

/**
 * Starts the server, and makes cluster, roles and databases at the first start. The roles get the
 * passwords that lie in the folder, or new ones where {@link forgetPasswords} took them away.
 */
export async function startPostgreSQL(options: PostgreSQLOptions): Promise<PostgreSQL> {
  const { folder, logFile, fsync } = options
  const owner = userOf('stack', SUPERUSER)
  privateFolder(folder, owner)
  const superPassword = secretIn(join(folder, 'superuser-password'), ROOT)
  const odooPassword = secretIn(join(folder, `${ODOO_ROLE}-password`), ROOT)
  const bridgePassword = secretIn(join(folder, `${BRIDGE_ROLE}-password`), ROOT)
  if (!existsSync(join(folder, 'data/PG_VERSION'))) await initialize(folder, superPassword)

  const port = await freePort()
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: fsync ? 'on' : 'off',
    full_page_writes: fsync ? 'on' : 'off',
    shared_buffers: '128MB',
    max_connections: '100',
  }
  const part = startPart({
    name: 'PostgreSQL',
    logFile,
    // Fast shutdown: sessions are ended, everything is written.
    stopSignal: 'SIGINT',
    command: inRoot(
      'stack',
      [
        ...[`${BIN}/postgres`, '-D', '/mnt/postgresql/data'],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      { user: SUPERUSER, binds: { '/mnt/postgresql': folder } },
    ),
  })

  const connect = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: SUPERUSER,
      password: superPassword,
      database,
    })
    client.on('error', () => {
      // The server is being stopped; whoever waits for an answer gets the error.
    })
    await client.connect()
    return client
  }
  const query = async <Row extends pg.QueryResultRow>(
    database: string,
    sql: string,
    values?: unknown[],
  ): Promise<Row[]> => {
    const client = await connect(database)
    try {
      return (await client.query<Row>(sql, values)).rows
    } finally {
      await client.end()
    }
  }

  try {
    await untilReady(part, async () => (await query('postgres', 'SELECT 1')).length === 1)
    await prepareRoles(await connect('postgres'), odooPassword, bridgePassword)
  } catch (error) {
    await part.stop()
    throw error
  }
  return {
    part,
    port,
    odooPassword,
    bridgeUrl: `postgres://${BRIDGE_ROLE}:${bridgePassword}@127.0.0.1:${port}/${BRIDGE_DATABASE}`,
    query,
  }
}

async function prepareRoles(
  client: pg.Client,
  odooPassword: string,
  bridgePassword: string,
): Promise<void> {
  try {
    const owners = [
      [ODOO_ROLE, ODOO_DATABASE, odooPassword],
      [BRIDGE_ROLE, BRIDGE_DATABASE, bridgePassword],
    ] as const
    for (const [role, database, password] of owners) {
      const [roles, databases] = await Promise.all([
        client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]),
        client.query('SELECT FROM pg_database WHERE datname = $1', [database]),
      ])
      if (roles.rowCount === 0) await client.query(`CREATE ROLE ${role}`)
      await client.query(`ALTER ROLE ${role} LOGIN PASSWORD '${password}'`)
      if (databases.rowCount === 0) {
        await client.query(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0`)
        await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
      }
    }
  } finally {
    await client.end()
  }
}
