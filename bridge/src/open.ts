/** Opens what the settings name: keys, Odoo, and who may sign in from where. */
import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { openClients, type WatchedClients } from './clients/file.ts'
import { ConfigError, type Config } from './config.ts'
import { odooAudience } from './contract/index.ts'
import type { Watch } from './demo/watch.ts'
import { fileKeys } from './keys/file.ts'
import type { KeyEvents, Keys, Signer } from './keys/port.ts'
import { vaultClient } from './keys/vault-client.ts'
import { vaultKeys, type VaultOptions } from './keys/vault.ts'
import { addonOdoo } from './odoo/addon.ts'
import { odooHttp } from './odoo/http.ts'
import type { IdentityProvider, PairedOdoo } from './odoo/port.ts'
import { stockOdoo } from './odoo/stock.ts'
import type { Metrics } from './plugins/metrics.ts'
import { odooProvider } from './providers/odoo.ts'
import { openIdProvider } from './providers/openid.ts'
import type { SignInProvider } from './providers/port.ts'
import { readProviders, type RegisteredProvider } from './providers/settings.ts'
import { createAssertions } from './tokens/assertion.ts'
import type { Clients } from './tokens/clients.ts'
import { ID_TOKEN_TTL } from './tokens/id-token.ts'

function readSetting(name: keyof Config, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${name}: ${(error as Error).message}`])
  }
}

/** The secret shared with the gate. @throws ConfigError */
export function readGateCredential(file: string): string {
  const credential = readSetting('GATE_CREDENTIAL_FILE', file).trim()
  if (credential.length < 32) {
    throw new ConfigError(['GATE_CREDENTIAL_FILE: expected 32 characters or more in the file'])
  }
  return credential
}

/** The clients of CLIENTS_FILE, as it is now. @throws ConfigError */
export function openRegisteredClients(
  config: Config,
  metrics: Metrics,
  log: FastifyBaseLogger,
): WatchedClients {
  try {
    return openClients({
      file: config.CLIENTS_FILE,
      issuer: config.ISSUER,
      databaseUuid: config.ODOO_DATABASE_UUID,
      accessTokenTtl: config.ACCESS_TOKEN_TTL,
      refreshIdleTtl: config.REFRESH_IDLE_TTL,
      refreshAbsoluteTtl: config.REFRESH_ABSOLUTE_TTL,
      machineClients: config.ODOO_ADAPTER === 'addon',
      idTokenKey: idTokenKeyOf(config) !== undefined,
      log,
      observe: metrics.clients,
    })
  } catch (error) {
    throw new ConfigError([`CLIENTS_FILE: ${(error as Error).message}`])
  }
}

/** Where the key for RS256 ID tokens is, in the custody that is configured. */
const idTokenKeyOf = (config: Config): string | undefined =>
  config.KEY_CUSTODY === 'file' ? config.ID_TOKEN_KEY_FILE : config.VAULT_TRANSIT_ID_TOKEN_KEY

/**
 * Whatever holds the keys.
 * @param changed told when the published keys are others
 * @throws ConfigError
 */
export function openKeys(
  config: Config,
  events: KeyEvents,
  changed: () => void,
  log: FastifyBaseLogger,
  watch: Watch,
): Keys {
  const { KEY_CUSTODY: custody, KEY_FILE, VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID_FILE } = config
  if (custody === 'file') {
    if (KEY_FILE === undefined) throw new ConfigError(['KEY_FILE: expected a path'])
    log.warn({ file: KEY_FILE }, 'keys lie in a file: whoever can read it can forge any token')
    try {
      const keys = fileKeys(KEY_FILE, config.KEY_FILE_ALGORITHM, events, idTokenKeyOf(config))
      return watch.keys(keys)
    } catch (error) {
      throw new ConfigError([`KEY_FILE, ID_TOKEN_KEY_FILE: ${(error as Error).message}`])
    }
  }
  const options: VaultOptions = {
    custody,
    address: VAULT_ADDR ?? '',
    roleId: VAULT_ROLE_ID ?? '',
    secretIdFile: VAULT_SECRET_ID_FILE ?? '',
    transitMount: config.VAULT_TRANSIT_MOUNT,
    transitKey: config.VAULT_TRANSIT_KEY,
    transitIdTokenKey: idTokenKeyOf(config),
    kvMount: config.VAULT_KV_MOUNT,
    kvPath: config.VAULT_KV_PATH,
    pollInterval: config.KEY_POLL_INTERVAL,
    maxAge: config.KEY_MAX_AGE,
    jwksMaxAge: config.JWKS_MAX_AGE,
    // Longer than the short tokens for Odoo, too.
    signedFor: Math.max(config.ACCESS_TOKEN_TTL, ID_TOKEN_TTL),
    changed,
    events,
    log,
  }
  return watch.keys(vaultKeys(options, watch.vault(vaultClient(options))))
}

/** Odoo, by the adapter that is configured. */
export function openOdoo(
  config: Config,
  signer: Signer,
  clients: Clients,
  watch: Watch,
): IdentityProvider | PairedOdoo {
  const baseUrl = config.ODOO_URL
  const timeout = config.ODOO_TIMEOUT * 1000
  // Checks have a share of their own: however many are due, who signs in or works comes through,
  // and the other way round.
  const forChecks = Math.max(1, Math.floor(config.ODOO_CONNECTIONS / 4))
  const connections = Math.max(1, config.ODOO_CONNECTIONS - forChecks)
  const options = {
    http: watch.odooHttp(odooHttp({ baseUrl, timeout, connections })),
    checkHttp: watch.odooHttp(odooHttp({ baseUrl, timeout, connections: forChecks })),
    roleMap: config.ROLE_MAP,
    issuer: config.ISSUER,
  }
  if (config.ODOO_ADAPTER === 'stock') {
    const otherGroups = () => [...clients.values()].flatMap(({ groups }) => groups ?? [])
    return stockOdoo({ ...options, database: config.ODOO_DATABASE, otherGroups })
  }
  const audience = odooAudience(config.ODOO_DATABASE_UUID)
  return addonOdoo({ ...options, assertion: createAssertions(signer, config.ISSUER, audience) })
}

/** Whether Odoo has the addon, and can tell of its users. */
export const isPaired = (odoo: IdentityProvider): odoo is PairedOdoo => 'stamps' in odoo

/** The providers of PROVIDERS_FILE. @throws ConfigError */
export function readRegisteredProviders({ PROVIDERS_FILE: file }: Config): RegisteredProvider[] {
  try {
    return file === undefined ? [] : readProviders(file)
  } catch (error) {
    throw new ConfigError([`PROVIDERS_FILE: ${(error as Error).message}`])
  }
}

/** Other places than the bridge's own form to sign in at. They take an Odoo that is paired. */
export interface OpenProviders {
  all: SignInProvider[]
  close(): Promise<void>
}

/** Odoo's own login page, where browsers reach it, and the registered ones. */
export function openProviders(
  config: Config,
  registered: readonly RegisteredProvider[],
  odoo: IdentityProvider,
): OpenProviders {
  if (!isPaired(odoo)) return { all: [], close: () => Promise.resolve() }
  const { ODOO_PUBLIC_URL: publicUrl, ODOO_DATABASE_UUID: uuid } = config
  const own =
    publicUrl === undefined
      ? []
      : [odooProvider({ odoo, publicUrl, odooAudience: odooAudience(uuid) })]
  const upstream = registered.map((each) => openIdProvider({ ...each, odoo }))
  return {
    all: [...own, ...upstream],
    close: async () => {
      await Promise.all(upstream.map((each) => each.close()))
    },
  }
}

/** Says so where one person's wrong passwords may lock everybody out of Odoo. */
export async function warnOfAddresses(
  odoo: IdentityProvider,
  log: FastifyBaseLogger,
): Promise<void> {
  try {
    const believes = await odoo.believesForwardedAddress()
    if (believes === true) return
    log.warn(
      believes === false
        ? 'Odoo runs without proxy_mode: some wrong passwords of one person lock everybody out'
        : 'whether Odoo runs with proxy_mode cannot be seen from here: without it, some wrong passwords of one person lock everybody out',
    )
  } catch (error) {
    log.warn({ err: error }, 'Odoo could not be asked whether it runs with proxy_mode')
  }
}
