/** Starts and stops a whole stack: every part real, in a folder of its own. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiAudience, odooAudience } from '@drawbridge/bridge/contract'
import {
  descriptionFile,
  START_FOLDER,
  type RegisteredClient,
  type RegisteredProvider,
  type StackDescription,
} from './description.ts'
import { StackError } from './error.ts'
import { newSecret } from './folders.ts'
import { takeLock, type Lock } from './lock.ts'
import {
  gateCredentialFile,
  prepareBridgeFolder,
  secretIdFile,
  startBridge,
} from './parts/bridge.ts'
import { startNginx } from './parts/nginx.ts'
import { databaseUuid, setParameters, startOdoo } from './parts/odoo.ts'
import { KV_PATH, startOpenBao, TRANSIT_KEY } from './parts/openbao.ts'
import { ODOO_DATABASE, startPostgreSQL, type PostgreSQL } from './parts/postgresql.ts'
import { STACK_DIR } from './paths.ts'
import { freePort } from './ports.ts'
import {
  addonDigest,
  baseRecipe,
  copyPreparedOdoo,
  odooFolder,
  postgresqlFolder,
  upgradeAddon,
} from './prepared.ts'
import { silent, type Progress } from './progress.ts'
import type { Part } from './process.ts'
import { takeRunFolder, type RunFolder } from './run-folder.ts'

/** What a token of the stack can be for. @see RFC 8707 */
export interface Audiences {
  api: string
  odoo: string
}

export interface StackOptions {
  /** A name for its folder and messages. */
  name: string
  /** Removed when it stops. Its databases do not outlive a power loss. */
  ephemeral: boolean
  /** Of the PWA and gate, and of Odoo's pages. Free ones when left out. */
  ports?: { gate: number; odoo: number }
  /** Whether answers of bridge and gate tell how long their steps took. */
  demo?: boolean
  /** Settings of the bridge on top of the stack's own. */
  environment?: Record<string, string>
  /** Processes of Odoo that answer requests; one with threads when left out. */
  odooWorkers?: number
  /** Seconds that the gate allows clocks to differ. */
  leeway?: number
  /** OAuth clients; they may depend on what is only known once the stack has its database. */
  clients?: (audiences: Audiences) => RegisteredClient[]
  /** Names of other providers to sign in at, which are for tests to start. */
  providers?: string[]
  /** Origins whose scripts may call the API. */
  corsOrigins?: string[]
  progress?: Progress
  /** Ends the start between two parts. */
  signal?: AbortSignal
}

export interface Stack {
  description: StackDescription
  /** The file that holds the description. */
  file: string
  /** Resolves when a part ends although nobody stopped it. */
  died: Promise<{ part: Part; how: string }>
  /** Stops all parts, the last started first. */
  stop(): Promise<void>
}

/** What the data of a stack were made with. */
interface MadeBy {
  recipe: string
  addon: string
  /** Whether the database has got an identity and a secret of its own. */
  identity: boolean
}

const ACCOUNTS: StackDescription['accounts'] = {
  admin: { login: 'admin', password: 'admin' },
  demo: { login: 'demo', password: 'demo' },
  portal: { login: 'portal', password: 'portal' },
}

/**
 * Starts a stack. What it is started from must be there, see `installStack`.
 * @throws StackError with what to do; nothing is left running then
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = await takeFolder(options)
  const parts: Part[] = []
  let stopping = false
  const stop = async (): Promise<void> => {
    stopping = true
    for (const part of parts.toReversed()) await part.stop()
    await folder.release()
  }
  try {
    const description = await startParts(folder.path, options, parts)
    const died = Promise.race(parts.map(async (part) => ({ part, how: await part.exited })))
    return {
      description,
      file: descriptionFile(folder.path),
      died: died.then((death) => (stopping ? new Promise<never>(() => undefined) : death)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Held while the stack of `npm start` runs: one at a time in a checkout. */
async function takeStartLock(): Promise<Lock> {
  const lock = await takeLock(join(STACK_DIR, 'locks', 'start'), false)
  if (lock !== undefined) return lock
  throw new StackError('A stack of this checkout runs already; stop it with Ctrl-C first.')
}

/**
 * Looks ahead, before ports and the like are checked.
 * @throws StackError when a stack of this checkout runs that is not ephemeral
 */
export async function checkNotRunning(): Promise<void> {
  await (await takeStartLock()).release()
}

/** Where the stack's data lie, and nobody else's; `release` lets go of it. */
async function takeFolder(options: StackOptions): Promise<RunFolder> {
  if (options.ephemeral) return takeRunFolder(options.name)
  const lock = await takeStartLock()
  await mkdir(START_FOLDER, { recursive: true, mode: 0o700 })
  return {
    path: START_FOLDER,
    async release() {
      await rm(descriptionFile(START_FOLDER), { force: true })
      await lock.release()
    },
  }
}

/** People of example.com sign in there by their e-mail address. */
const registerProvider = async (name: string): Promise<RegisteredProvider> => ({
  id: name.toLowerCase(),
  name,
  issuer: `http://127.0.0.1:${await freePort()}`,
  client_id: 'drawbridge',
  client_secret: newSecret(),
  match: 'email',
  email_domains: ['example.com'],
})

async function startParts(
  folder: string,
  options: StackOptions,
  parts: Part[],
): Promise<StackDescription> {
  const { ephemeral, demo = false } = options
  const progress: Progress = {
    step(title, task) {
      options.signal?.throwIfAborted()
      return (options.progress ?? silent).step(title, task)
    },
  }
  const logs = join(folder, 'logs')
  await mkdir(logs, { recursive: true })
  const logFile = (name: string): string => join(logs, `${name}.log`)
  const ports = options.ports ?? { gate: await freePort(), odoo: await freePort() }
  const issuer = `http://localhost:${ports.gate}`
  const odooUrl = `http://odoo.localhost:${ports.odoo}`
  const bridgePort = await freePort()
  const bridgeFolder = join(folder, 'bridge')

  const madeBy = await ensureData(folder, progress)
  prepareBridgeFolder(bridgeFolder)

  const odooWithDatabase = async () => {
    const postgresql = await progress.step('PostgreSQL', () =>
      startPostgreSQL({
        folder: postgresqlFolder(folder),
        logFile: logFile('postgresql'),
        fsync: !ephemeral,
      }),
    )
    parts.push(postgresql.part)
    await bringUpToDate(folder, madeBy, postgresql, progress)
    await setParameters(postgresql, {
      'auth_drawbridge.issuer': issuer,
      'auth_drawbridge.jwks_url': `http://127.0.0.1:${bridgePort}/.well-known/jwks.json`,
      'auth_drawbridge.bridge_url': `http://127.0.0.1:${bridgePort}`,
      'web.base.url': odooUrl,
      'web.base.url.freeze': 'True',
    })
    const odoo = await progress.step('Odoo', () =>
      startOdoo({
        folder: odooFolder(folder),
        postgresql,
        logFile: logFile('odoo'),
        workers: options.odooWorkers ?? 0,
      }),
    )
    parts.push(odoo.part)
    return { postgresql, odoo, uuid: await databaseUuid(postgresql) }
  }
  const vault = async () => {
    const openbao = await progress.step('OpenBao', () =>
      startOpenBao({
        folder: join(folder, 'openbao'),
        logFile: logFile('openbao'),
        secretIdFile: secretIdFile(bridgeFolder),
      }),
    )
    parts.push(openbao.part)
    return openbao
  }
  const [{ postgresql, odoo, uuid }, openbao] = await all(odooWithDatabase(), vault())

  const audiences = { api: apiAudience(issuer), odoo: odooAudience(uuid) }
  const clients = options.clients?.(audiences) ?? []
  const providers = await Promise.all((options.providers ?? []).map(registerProvider))
  const environment = options.environment ?? {}
  parts.push(
    await progress.step('bridge', () =>
      startBridge({
        folder: bridgeFolder,
        logFile: logFile('bridge'),
        port: bridgePort,
        issuer,
        odoo: { port: odoo.port, databaseUuid: uuid, publicUrl: odooUrl },
        databaseUrl: postgresql.bridgeUrl,
        vault: { address: openbao.address, roleId: openbao.roleId },
        clients,
        providers,
        environment: { ...(demo ? { DEMO_MODE: 'true' } : {}), ...environment },
      }),
    ),
  )
  const nginx = await progress.step('nginx', () =>
    startNginx({
      folder: join(folder, 'nginx'),
      logFile: logFile('nginx'),
      accessLogFile: logFile('access'),
      issuer,
      ports,
      bridgePort,
      odooPort: odoo.port,
      odooDatabaseUuid: uuid,
      gateCredentialFile: gateCredentialFile(bridgeFolder),
      corsOrigins: options.corsOrigins ?? [],
      demo,
      ...(options.leeway === undefined ? {} : { leeway: options.leeway }),
    }),
  )
  parts.push(nginx)

  const description: StackDescription = {
    pid: process.pid,
    issuer,
    odooUrl,
    accounts: ACCOUNTS,
    providers,
    clients,
    accessTokenTtl: Number(environment['ACCESS_TOKEN_TTL'] ?? 600),
    inside: {
      bridgeUrl: `http://127.0.0.1:${bridgePort}`,
      odooUrl: `http://127.0.0.1:${odoo.port}`,
      odooDatabase: ODOO_DATABASE,
      odooDatabaseUuid: uuid,
      bridgeDatabaseUrl: postgresql.bridgeUrl,
      gateCredentialFile: gateCredentialFile(bridgeFolder),
      vault: {
        address: openbao.address,
        roleId: openbao.roleId,
        secretIdFile: secretIdFile(bridgeFolder),
        transitKey: TRANSIT_KEY,
        kvPath: KV_PATH,
        initFile: openbao.initFile,
      },
    },
    parts: parts.map(({ name, pid, logFile: file }) => ({ name, pid, logFile: file })),
  }
  await writeFile(descriptionFile(folder), JSON.stringify(description, null, 2), { mode: 0o600 })
  return description
}

/** Waits for both before it fails, so that what one of them started is known to whoever stops it. */
async function all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return Promise.all([first, second])
}

const madeByFile = (folder: string): string => join(folder, 'made-by.json')

/** Copies the prepared Odoo into a folder that has no data yet. */
async function ensureData(folder: string, progress: Progress): Promise<MadeBy> {
  const file = madeByFile(folder)
  if (existsSync(file)) {
    const madeBy = JSON.parse(await readFile(file, 'utf8')) as MadeBy
    if (madeBy.recipe === baseRecipe()) return madeBy
    throw new StackError(
      `The data in ${folder} belong to another Odoo than this checkout has; move that folder away (it holds what you entered), or remove it to begin anew.`,
    )
  }
  const madeBy: MadeBy = { recipe: baseRecipe(), addon: await addonDigest(), identity: false }
  await progress.step('data', async () => {
    // A copy that was cut short has no such file, and is made again.
    await rm(postgresqlFolder(folder), { recursive: true, force: true })
    await rm(odooFolder(folder), { recursive: true, force: true })
    await copyPreparedOdoo(folder)
    await writeFile(file, JSON.stringify(madeBy))
  })
  return madeBy
}

/** Makes the database one of its own kind, and upgrades the addon that another state of it made. */
async function bringUpToDate(
  folder: string,
  madeBy: MadeBy,
  postgresql: PostgreSQL,
  progress: Progress,
): Promise<void> {
  const addon = await addonDigest()
  if (madeBy.identity && madeBy.addon === addon) return
  if (!madeBy.identity) {
    await setParameters(postgresql, {
      'database.uuid': randomUUID(),
      'database.secret': newSecret(),
    })
  }
  if (madeBy.addon !== addon) {
    await progress.step('upgrade of the addon', () =>
      upgradeAddon({ folder: odooFolder(folder), postgresql }),
    )
  }
  await writeFile(madeByFile(folder), JSON.stringify({ ...madeBy, addon, identity: true }))
}
