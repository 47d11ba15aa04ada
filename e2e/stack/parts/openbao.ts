/**
 * OpenBao, the secrets vault: a real server with its data on disk, set up the way an operator
 * would, with a role for the bridge that can read its own keys and nothing else.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BRIDGE_USER, OPENBAO_USER, privateFile, privateFolder } from '../folders.ts'
import { StackError } from '../error.ts'
import { baoProgram } from '../install-openbao.ts'
import { freePort } from '../ports.ts'
import { startPart, untilReady, type Part } from '../process.ts'
import { inRoot } from '../roots.ts'

/** Names that the bridge is configured with. */
export const TRANSIT_KEY = 'drawbridge'
/** Signs the ID tokens of clients that know no other algorithm than RS256. */
export const TRANSIT_ID_TOKEN_KEY = 'drawbridge-id-token'
export const KV_PATH = 'drawbridge'
const ROLE = 'drawbridge'

const POLICY = `
path "transit/keys/${TRANSIT_KEY}" { capabilities = ["read"] }
path "transit/export/signing-key/${TRANSIT_KEY}" { capabilities = ["read"] }
path "transit/keys/${TRANSIT_ID_TOKEN_KEY}" { capabilities = ["read"] }
path "transit/export/signing-key/${TRANSIT_ID_TOKEN_KEY}" { capabilities = ["read"] }
path "secret/data/${KV_PATH}" { capabilities = ["read"] }
`

export interface OpenBaoOptions {
  /** Holds its storage, and what opens it. */
  folder: string
  logFile: string
  /** Where the bridge's secret id is written, unless it is there. */
  secretIdFile: string
  /** To start it again where it was; a free one when left out. */
  port?: number
}

export interface OpenBao {
  part: Part
  address: string
  roleId: string
  /** Holds `{ root_token, keys_base64 }`. */
  initFile: string
}

interface InitAnswer {
  keys_base64: string[]
  root_token: string
}

type Request = <T>(method: string, path: string, body?: unknown) => Promise<T | undefined>

/** Talks to the HTTP API. Gives undefined where there is nothing (404). */
function api(address: string, token?: string): Request {
  return async <T>(method: string, path: string, body?: unknown): Promise<T | undefined> => {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: token === undefined ? {} : { 'X-Vault-Token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.status === 404) return undefined
    const answer = await response.text()
    if (!response.ok) {
      throw new StackError(`OpenBao refused ${method} ${path} (${response.status}).`, [answer])
    }
    return (answer === '' ? undefined : JSON.parse(answer)) as T | undefined
  }
}

/**
 * Starts and unseals the server; sets it up at the first start.
 *
 * The one key share and the root token are kept beside the storage, readable by root alone. That
 * is for trying out: an operator splits the key among people and revokes the root token.
 */
export async function startOpenBao(options: OpenBaoOptions): Promise<OpenBao> {
  const { folder, logFile, secretIdFile } = options
  privateFolder(folder, OPENBAO_USER)
  privateFolder(join(folder, 'data'), OPENBAO_USER)
  const [port, clusterPort] = [options.port ?? (await freePort()), await freePort()]
  const address = `http://127.0.0.1:${port}`
  const config = {
    storage: {
      // One node needs nobody's patience: multiplier 1 elects it in one second instead of five.
      raft: { path: '/mnt/openbao/data', node_id: 'drawbridge', performance_multiplier: '1' },
    },
    listener: {
      tcp: {
        address: `127.0.0.1:${port}`,
        cluster_address: `127.0.0.1:${clusterPort}`,
        tls_disable: true,
      },
    },
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
  }
  privateFile(join(folder, 'config.json'), JSON.stringify(config), OPENBAO_USER)
  const program = await baoProgram()
  const part = startPart({
    name: 'OpenBao',
    logFile,
    command: inRoot('stack', ['/mnt/bin/bao', 'server', '-config=/mnt/openbao/config.json'], {
      user: OPENBAO_USER,
      binds: { '/mnt/openbao': folder },
      readOnlyBinds: { '/mnt/bin': dirname(program) },
    }),
  })
  try {
    const initFile = join(folder, 'init.json')
    await untilReady(part, async () => (await api(address)('GET', 'sys/init')) !== undefined)
    const { root_token, keys_base64 } = await open(address, initFile)
    await api(address)('PUT', 'sys/unseal', { key: keys_base64[0] })
    // The health address answers 200 to an unsealed, active server alone.
    await untilReady(part, async () => (await fetch(`${address}/v1/sys/health`)).status === 200)
    const request = api(address, root_token)
    await setUp(request)
    const role = await request<{ data: { role_id: string } }>(
      'GET',
      `auth/approle/role/${ROLE}/role-id`,
    )
    if (!existsSync(secretIdFile)) {
      const secret = await request<{ data: { secret_id: string } }>(
        'POST',
        `auth/approle/role/${ROLE}/secret-id`,
      )
      privateFile(secretIdFile, secret?.data.secret_id ?? '', BRIDGE_USER)
    }
    return { part, address, roleId: role?.data.role_id ?? '', initFile }
  } catch (error) {
    await part.stop()
    throw error
  }
}

async function open(address: string, initFile: string): Promise<InitAnswer> {
  const state = await api(address)<{ initialized: boolean }>('GET', 'sys/init')
  if (state?.initialized !== true) {
    const shares = { secret_shares: 1, secret_threshold: 1 }
    const answer = await api(address)<InitAnswer>('PUT', 'sys/init', shares)
    privateFile(initFile, JSON.stringify(answer), { uid: 0, gid: 0 })
  }
  return JSON.parse(readFileSync(initFile, 'utf8')) as InitAnswer
}

/** Each step looks first, so that a set-up that was cut short is finished at the next start. */
async function setUp(request: Request): Promise<void> {
  const mounts = (await request<Record<string, unknown>>('GET', 'sys/mounts')) ?? {}
  if (!('transit/' in mounts)) await request('POST', 'sys/mounts/transit', { type: 'transit' })
  if (!('secret/' in mounts)) {
    await request('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  }
  const logins = (await request<Record<string, unknown>>('GET', 'sys/auth')) ?? {}
  if (!('approle/' in logins)) await request('POST', 'sys/auth/approle', { type: 'approle' })

  await request('PUT', 'sys/policies/acl/drawbridge', { policy: POLICY })
  await request('POST', `auth/approle/role/${ROLE}`, {
    token_policies: ['drawbridge'],
    token_ttl: '20m',
    token_max_ttl: '24h',
  })
  const signingKeys = { [TRANSIT_KEY]: 'ecdsa-p256', [TRANSIT_ID_TOKEN_KEY]: 'rsa-2048' }
  for (const [name, type] of Object.entries(signingKeys)) {
    if ((await request('GET', `transit/keys/${name}`)) === undefined) {
      await request('POST', `transit/keys/${name}`, { type, exportable: true })
    }
  }
  if ((await request('GET', `secret/data/${KV_PATH}`)) === undefined) {
    // What signs the bridge's refresh tokens; cas=0 refuses to replace a key that is there.
    const keys = { 1: randomBytes(32).toString('base64') }
    const body = { options: { cas: 0 }, data: { current: '1', keys } }
    await request('POST', `secret/data/${KV_PATH}`, body)
  }
}
