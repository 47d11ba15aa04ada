/** The bridge of this repository. */
import { createHash, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import type { RegisteredClient, RegisteredProvider } from '../description.ts'
import { BRIDGE_USER, privateFile, privateFolder, secretIn } from '../folders.ts'
import { answers, startPart, untilReady, type Part } from '../process.ts'
import { REPOSITORY } from '../paths.ts'
import { inRoot } from '../roots.ts'
import { KV_PATH, TRANSIT_ID_TOKEN_KEY, TRANSIT_KEY } from './openbao.ts'
import { ODOO_DATABASE } from './postgresql.ts'

export interface BridgeOptions {
  /** Holds its secrets. */
  folder: string
  logFile: string
  /** Where it listens; Odoo and the gate know it before it runs. */
  port: number
  issuer: string
  odoo: {
    port: number
    databaseUuid: string
    /** Where browsers reach its own pages. */
    publicUrl: string
  }
  databaseUrl: string
  vault: { address: string; roleId: string }
  clients: RegisteredClient[]
  providers: RegisteredProvider[]
  /** Settings of the caller, on top of the stack's own. */
  environment: Record<string, string>
}

/** The files of the bridge's folder. */
export const secretIdFile = (folder: string): string => join(folder, 'secret-id')
export const gateCredentialFile = (folder: string): string => join(folder, 'gate-credential')

/** Makes the bridge's folder, and the secret that it shares with the gate. */
export function prepareBridgeFolder(folder: string): void {
  privateFolder(folder, BRIDGE_USER)
  secretIn(gateCredentialFile(folder), BRIDGE_USER)
}

/** A client as the bridge's file has it, which tells nobody what the client proves itself with. */
function withoutSecrets({ client_secret, client_key, ...client }: RegisteredClient): object {
  if (client_key !== undefined) {
    const publicKey = createPublicKey({ key: client_key, format: 'jwk' }).export({ format: 'jwk' })
    return { ...client, jwks: { keys: [{ ...publicKey, kid: client_key['kid'] }] } }
  }
  if (client_secret === undefined) return client
  const client_secret_sha256 = createHash('sha256').update(client_secret).digest('hex')
  return { ...client, client_secret_sha256 }
}

/** Starts the bridge and waits until all that it needs is reachable. */
export async function startBridge(options: BridgeOptions): Promise<Part> {
  const { folder, issuer, odoo, vault, port } = options
  const clients = options.clients.map(withoutSecrets)
  privateFile(join(folder, 'clients.json'), JSON.stringify(clients), BRIDGE_USER)
  const providers = options.providers.map(({ client_secret, ...provider }) => {
    privateFile(join(folder, `${provider.id}-secret`), client_secret, BRIDGE_USER)
    return { ...provider, client_secret_file: `/mnt/bridge/${provider.id}-secret` }
  })
  privateFile(join(folder, 'providers.json'), JSON.stringify(providers), BRIDGE_USER)
  const part = startPart({
    name: 'bridge',
    logFile: options.logFile,
    command: inRoot('stack', ['/mnt/drawbridge/node_modules/.bin/node', SERVER], {
      user: BRIDGE_USER,
      binds: { '/mnt/bridge': folder },
      readOnlyBinds: { '/mnt/drawbridge': REPOSITORY },
    }),
    env: {
      HOME: '/mnt/bridge',
      NODE_ENV: 'production',
      ISSUER: issuer,
      HOST: '127.0.0.1',
      PORT: String(port),
      TRUST_PROXY: '127.0.0.1',
      ODOO_ADAPTER: 'addon',
      ODOO_URL: `http://127.0.0.1:${odoo.port}`,
      ODOO_DATABASE,
      ODOO_DATABASE_UUID: odoo.databaseUuid,
      ODOO_PUBLIC_URL: odoo.publicUrl,
      DATABASE_URL: options.databaseUrl,
      KEY_CUSTODY: 'fetched',
      VAULT_ADDR: vault.address,
      VAULT_ROLE_ID: vault.roleId,
      VAULT_SECRET_ID_FILE: '/mnt/bridge/secret-id',
      VAULT_TRANSIT_KEY: TRANSIT_KEY,
      VAULT_TRANSIT_ID_TOKEN_KEY: TRANSIT_ID_TOKEN_KEY,
      VAULT_KV_PATH: KV_PATH,
      GATE_CREDENTIAL_FILE: '/mnt/bridge/gate-credential',
      CLIENTS_FILE: '/mnt/bridge/clients.json',
      // It takes the addon.
      ...(options.environment['ODOO_ADAPTER'] === 'stock'
        ? {}
        : { PROVIDERS_FILE: '/mnt/bridge/providers.json' }),
      ROLE_MAP: JSON.stringify(ROLE_MAP),
      ACCESS_TOKEN_TTL: '600',
      LOG_LEVEL: 'info',
      ...options.environment,
    },
  })
  try {
    await untilReady(part, answers(`http://127.0.0.1:${port}/readyz`))
  } catch (error) {
    await part.stop()
    throw error
  }
  return part
}

const SERVER = '/mnt/drawbridge/bridge/src/server.ts'

/** Odoo group to role. */
const ROLE_MAP = {
  'base.group_system': 'admin',
  'base.group_user': 'internal',
  'base.group_portal': 'portal',
}
