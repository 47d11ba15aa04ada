import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import Fastify from 'fastify'
import nodeVault from 'node-vault'
import type { Test } from 'tap'
import { startOpenBao } from '../../e2e/stack/parts/openbao.ts'
import { freePort } from '../../e2e/stack/ports.ts'
import { takeRunFolder } from '../../e2e/stack/run-folder.ts'
import type { Keys } from '../src/keys/port.ts'
import { vaultKeys, type VaultOptions } from '../src/keys/vault.ts'
import { countKeyEvents, type KeyCounts } from './key-events.ts'
import { until } from './until.ts'

export interface RoleOptions {
  custody: VaultOptions['custody']
  /** Of the transit key. */
  type?: string
  /** Of a second transit key, for ID tokens; there is none where this is absent. */
  idTokenType?: string
  /** Of the AppRole, such as `{ token_ttl: '2s' }`. */
  role?: object
  /** Instead of the documented policy. */
  policy?: string
}

/** A bridge's own place in Vault: a key, secrets, a policy and a login that no other test uses. */
export interface Place {
  options: Omit<VaultOptions, 'events' | 'log'>
  /** The same as settings. */
  settings: Record<string, string>
  /** For talking to Vault as root. */
  paths: { transit: string; idTokenTransit: string; kv: string; policy: string }
  policy: string
  secretId: string
  /** Ends every token that the role got so far. */
  revokeTokens: () => Promise<void>
}

export interface TestVault {
  address: string
  rootToken: string
  admin: nodeVault.client
  place: (options: RoleOptions) => Promise<Place>
  seal: () => Promise<void>
  unseal: () => Promise<void>
  /** Without a farewell. */
  kill: () => Promise<void>
  /** Again, at the same address and with the same data. */
  start: () => Promise<void>
}

/** What docs/keys.md asks for of one transit key. */
export const transitPolicyFor = (custody: VaultOptions['custody'], name: string): string =>
  [
    `path "transit/keys/${name}" { capabilities = ["read"] }`,
    custody === 'fetched'
      ? `path "transit/export/signing-key/${name}" { capabilities = ["read"] }`
      : `path "transit/sign/${name}/sha2-256" { capabilities = ["update"] }`,
  ].join('\n')

/** The policy that docs/keys.md asks for, of a bridge without a key for ID tokens. */
export const policyFor = (custody: VaultOptions['custody'], name: string): string =>
  [transitPolicyFor(custody, name), `path "secret/data/${name}" { capabilities = ["read"] }`].join(
    '\n',
  )

/** A real server for one test file, which may treat it badly. It ends with the test. */
export async function startVault(t: Test): Promise<TestVault> {
  const folder = await takeRunFolder('vault')
  const port = await freePort()
  mkdirSync(join(folder.path, 'places'))
  let starts = 0
  const launch = () =>
    startOpenBao({
      folder: join(folder.path, 'openbao'),
      // A log of its own each time: the last one may tell why it did not start.
      logFile: join(folder.path, `openbao-${++starts}.log`),
      secretIdFile: join(folder.path, 'secret-id'),
      port,
    })
  let running = await launch()
  t.teardown(async () => {
    await running.part.stop()
    await folder.release()
  })
  const { address, initFile } = running
  const { root_token: rootToken, keys_base64 } = JSON.parse(readFileSync(initFile, 'utf8')) as {
    root_token: string
    keys_base64: [string]
  }
  const admin = nodeVault({ endpoint: address, token: rootToken })
  let places = 0

  const place = async (options: RoleOptions): Promise<Place> => {
    const { custody, type = 'ecdsa-p256', idTokenType } = options
    const name = `place-${++places}`
    const idTokenName = `${name}-id-token`
    const exportable = custody === 'fetched'
    await admin.write(`transit/keys/${name}`, { type, exportable })
    if (idTokenType !== undefined) {
      await admin.write(`transit/keys/${idTokenName}`, { type: idTokenType, exportable })
    }
    const idTokenPolicy = idTokenType === undefined ? '' : transitPolicyFor(custody, idTokenName)
    const policy = options.policy ?? `${policyFor(custody, name)}\n${idTokenPolicy}`
    const keys = { 1: randomBytes(32).toString('base64') }
    await admin.write(`secret/data/${name}`, { data: { current: '1', keys } })
    await admin.write(`sys/policies/acl/${name}`, { policy })
    await admin.write(`auth/approle/role/${name}`, { token_policies: name, ...options.role })
    const role = (await admin.read(`auth/approle/role/${name}/role-id`)) as {
      data: { role_id: string }
    }
    const secret = (await admin.write(`auth/approle/role/${name}/secret-id`, {})) as {
      data: { secret_id: string }
    }
    const secretIdFile = join(mkdtempSync(join(folder.path, 'places', 'bridge-')), 'secret-id')
    writeFileSync(secretIdFile, secret.data.secret_id)
    const paths = {
      transit: `transit/keys/${name}`,
      idTokenTransit: `transit/keys/${idTokenName}`,
      kv: `secret/data/${name}`,
      policy: `sys/policies/acl/${name}`,
    }
    return {
      paths,
      policy,
      secretId: secret.data.secret_id,
      options: {
        custody,
        address,
        roleId: role.data.role_id,
        secretIdFile,
        transitMount: 'transit',
        transitKey: name,
        ...(idTokenType === undefined ? {} : { transitIdTokenKey: idTokenName }),
        kvMount: 'secret',
        kvPath: name,
        loginInterval: 0,
        pollInterval: 3600,
        maxAge: 3600,
        jwksMaxAge: 300,
        signedFor: 600,
      },
      settings: {
        KEY_CUSTODY: custody,
        VAULT_ADDR: address,
        VAULT_ROLE_ID: role.data.role_id,
        VAULT_SECRET_ID_FILE: secretIdFile,
        VAULT_TRANSIT_KEY: name,
        ...(idTokenType === undefined ? {} : { VAULT_TRANSIT_ID_TOKEN_KEY: idTokenName }),
        VAULT_KV_PATH: name,
      },
      revokeTokens: async () => {
        const { data } = (await admin.list('auth/token/accessors')) as { data: { keys: string[] } }
        for (const accessor of data.keys) {
          const { data: token } = (await admin.write('auth/token/lookup-accessor', {
            accessor,
          })) as { data: { meta: { role_name?: string } | null } }
          if (token.meta?.role_name !== name) continue
          await admin.write('auth/token/revoke-accessor', { accessor })
        }
      },
    }
  }

  return {
    address,
    rootToken,
    admin,
    place,
    seal: async () => {
      await admin.seal()
    },
    unseal: async () => {
      await admin.unseal({ key: keys_base64[0], secret_shares: 1 })
      await until(async () => (await fetch(`${address}/v1/sys/health`)).status === 200)
    },
    kill: async () => {
      process.kill(running.part.pid, 'SIGKILL')
      await running.part.exited
    },
    start: async () => {
      running = await launch()
    },
  }
}

export interface LogLine {
  level: number
  msg: string
  kid?: string
  /** Which key it is about. */
  key?: string
  err?: { message: string }
}

export interface WatchedKeys extends Keys {
  counts: KeyCounts
  /** All that was logged. */
  log: () => string
  logged: () => LogLine[]
}

/** The keys of a bridge, with its log and counts. They close with the test. */
export function openKeys(t: Test, options: Place['options']): WatchedKeys {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  const { log } = Fastify({ logger: { level: 'trace', stream } })
  const { events, counts } = countKeyEvents()
  const keys = vaultKeys({ ...options, events, log })
  t.teardown(keys.close)
  return {
    ...keys,
    counts,
    log: () => text,
    logged: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LogLine),
  }
}

/** What must never be in a log or an answer. */
export function showsSecret(text: string, place: Place): boolean {
  const token = /\b(?:s|hvs|b)\.[\w-]{20,}/
  return text.includes(place.secretId) || token.test(text) || text.includes('PRIVATE KEY')
}
