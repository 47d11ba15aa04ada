/** The real bridge as a process of its own, and people who signed in to it. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'undici'
import { REPOSITORY } from '../../e2e/stack/paths.ts'
import { freePort } from '../../e2e/stack/ports.ts'
import { answers, contained, startPart, untilReady, type Part } from '../../e2e/stack/process.ts'
import { apiAudience, PATHS, type TokenResponse } from '../src/contract/index.ts'
import { browserHeaders, refreshTokenIn } from './exchanges.ts'

/** Where the sessions of a bridge live. */
export type Storage = 'postgres' | 'sqlite' | 'memory'

/** What all bridges of one run share. */
export interface BridgeSetting {
  /** Holds keys, databases and logs. */
  folder: string
  odooUrl: string
  databaseUrl: string
  /** Settings of the caller on top. */
  environment: Record<string, string>
}

export interface Bridge {
  part: Part
  origin: string
  /** `Authorization` of its gate. */
  authorization: string
  /** The audience of what stands behind its gate. */
  audience: string
}

/** Tokens of a number of sessions, in the same order. */
export interface SignedIn {
  refreshTokens: string[]
  accessTokens: string[]
}

const ISSUER = 'http://localhost:8080'
const CREDENTIAL = randomBytes(32).toString('base64url')
const SERVER = join(REPOSITORY, 'bridge/src/server.ts')
const IN_MEMORY = join(import.meta.dirname, 'in-memory-store.ts')

/** Sign-ins at a time: fewer than would look like guessing. */
const SIGN_INS = 8

let started = 0

/** Starts it, with the settings that it has by itself wherever it can do without others. */
export async function startBridge(storage: Storage, setting: BridgeSetting): Promise<Bridge> {
  const { folder } = setting
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const credentialFile = join(folder, 'gate-credential')
  writeFileSync(credentialFile, CREDENTIAL, { mode: 0o600 })
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const databases: Record<Storage, Record<string, string>> = {
    postgres: { DATABASE_URL: setting.databaseUrl },
    sqlite: { SQLITE_FILE: join(folder, 'sessions.sqlite') },
    memory: { SQLITE_FILE: ':memory:' },
  }
  started += 1
  const part = startPart({
    name: `bridge on ${storage}`,
    logFile: join(folder, `bridge-${started}.log`),
    command: contained([
      process.execPath,
      ...(storage === 'memory' ? ['--import', IN_MEMORY] : []),
      SERVER,
    ]),
    env: {
      HOME: folder,
      NODE_ENV: 'production',
      ISSUER,
      PORT: String(port),
      ODOO_URL: setting.odooUrl,
      ODOO_DATABASE: 'drawbridge',
      ODOO_DATABASE_UUID: 'bench',
      KEY_CUSTODY: 'file',
      KEY_FILE: join(folder, 'keys.json'),
      GATE_CREDENTIAL_FILE: credentialFile,
      ...databases[storage],
      ...setting.environment,
    },
  })
  try {
    await untilReady(part, answers(`${origin}/readyz`))
  } catch (error) {
    await part.stop()
    throw error
  }
  return {
    part,
    origin,
    authorization: `Bearer ${CREDENTIAL}`,
    audience: apiAudience(ISSUER),
  }
}

/** Signs people in through the bridge's own route, each from an address of their own. */
export async function signIn(bridge: Bridge, count: number): Promise<SignedIn> {
  const pool = new Pool(bridge.origin, { connections: SIGN_INS })
  const signedIn: SignedIn = { refreshTokens: [], accessTokens: [] }
  const one = async (index: number): Promise<void> => {
    const response = await pool.request({
      path: PATHS.login,
      method: 'POST',
      headers: browserHeaders(index),
      body: JSON.stringify({ login: 'demo', password: 'demo' }),
    })
    const text = await response.body.text()
    const refreshToken = response.statusCode === 200 ? refreshTokenIn(response.headers) : undefined
    if (refreshToken === undefined) {
      throw new Error(`A sign-in was answered with ${response.statusCode}: ${text}`)
    }
    signedIn.refreshTokens[index] = refreshToken
    signedIn.accessTokens[index] = (JSON.parse(text) as TokenResponse).access_token
  }
  let next = 0
  const person = async (): Promise<void> => {
    while (next < count) await one(next++)
  }
  try {
    await Promise.all(Array.from({ length: SIGN_INS }, person))
  } finally {
    await pool.close()
  }
  return signedIn
}
