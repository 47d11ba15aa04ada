import { readFileSync } from 'node:fs'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { ConfigError, type Config } from './config.ts'
import { fileKeys } from './keys/file.ts'
import type { Keys } from './keys/port.ts'
import { vaultKeys } from './keys/vault.ts'
import { logger } from './logger.ts'
import { stockOdoo } from './odoo/stock.ts'
import { anyOrigin } from './plugins/any-origin.ts'
import { errors } from './plugins/errors.ts'
import { createGate } from './plugins/gate.ts'
import { refreshCookie } from './plugins/refresh-cookie.ts'
import { authRoutes } from './routes/auth.ts'
import { healthRoutes } from './routes/health.ts'
import { authorizeRoute } from './routes/oauth-authorize.ts'
import { tokenRoute } from './routes/oauth-token.ts'
import { protectedDataRoute } from './routes/protected-data.ts'
import { validateRoute } from './routes/validate.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { openPostgres } from './sessions/postgres.ts'
import { openSqlite } from './sessions/sqlite.ts'
import { openStore } from './sessions/store.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createClients } from './tokens/clients.ts'
import { createRefreshTokens } from './tokens/refresh-token.ts'
import { createSessions } from './tokens/sessions.ts'

const DAY = 86_400_000

function readSetting(name: keyof Config, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${name}: ${(error as Error).message}`])
  }
}

function readGateCredential(file: string): string {
  const credential = readSetting('GATE_CREDENTIAL_FILE', file).trim()
  if (credential.length < 32) {
    throw new ConfigError(['GATE_CREDENTIAL_FILE: expected 32 characters or more in the file'])
  }
  return credential
}

function readClients(config: Config) {
  const text =
    config.CLIENTS_FILE === undefined ? '[]' : readSetting('CLIENTS_FILE', config.CLIENTS_FILE)
  try {
    return createClients(config.ISSUER, config.ODOO_DATABASE_UUID, JSON.parse(text))
  } catch (error) {
    throw new ConfigError([`CLIENTS_FILE: ${(error as Error).message}`])
  }
}

function openKeys(config: Config, log: FastifyBaseLogger): Keys {
  const { KEY_FILE, VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID_FILE } = config
  if (config.KEY_CUSTODY === 'file' && KEY_FILE !== undefined) {
    log.warn({ file: KEY_FILE }, 'keys lie in a file: whoever can read it can forge any token')
    return fileKeys(KEY_FILE)
  }
  return vaultKeys({
    address: VAULT_ADDR ?? '',
    roleId: VAULT_ROLE_ID ?? '',
    secretIdFile: VAULT_SECRET_ID_FILE ?? '',
    transitMount: config.VAULT_TRANSIT_MOUNT,
    transitKey: config.VAULT_TRANSIT_KEY,
    kvMount: config.VAULT_KV_MOUNT,
    kvPath: config.VAULT_KV_PATH,
    pollInterval: config.KEY_POLL_INTERVAL,
    maxAge: config.KEY_MAX_AGE,
    jwksMaxAge: config.JWKS_MAX_AGE,
    log,
  })
}

/**
 * Puts the bridge together from its settings. It does not listen; `close()` gives everything back.
 * @throws ConfigError where a file that a setting names is missing or malformed
 */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const { ISSUER: issuer } = config
  const credential = readGateCredential(config.GATE_CREDENTIAL_FILE)
  const clients = readClients(config)

  const app = Fastify({
    logger: logger(config.LOG_LEVEL),
    trustProxy: config.TRUST_PROXY,
    bodyLimit: 64 * 1024,
    // A string in a query or a form stays a string, and nothing is dropped silently.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  // An HTML form can send text/plain anywhere; nothing here takes it.
  app.removeContentTypeParser('text/plain')

  const keys = openKeys(config, app.log)
  app.addHook('onClose', () => {
    keys.close()
  })
  const store = await openStore(
    config.DATABASE_URL === undefined
      ? openSqlite(config.SQLITE_FILE)
      : openPostgres(config.DATABASE_URL, (error) => {
          app.log.error({ err: error }, 'a connection to PostgreSQL broke')
        }),
  ).catch((error: unknown) => {
    keys.close()
    throw error
  })
  app.addHook('onClose', () => store.close())

  const odoo = stockOdoo({
    baseUrl: config.ODOO_URL,
    database: config.ODOO_DATABASE,
    timeout: config.ODOO_TIMEOUT,
    roleMap: config.ROLE_MAP,
    issuer,
  })
  const accessTokens = createAccessTokens(keys.signer, issuer, config.ACCESS_TOKEN_TTL)
  const sessions = createSessions({
    store,
    secrets: keys.secrets,
    accessTokens,
    refreshTokens: createRefreshTokens(keys.secrets, issuer),
    odoo,
    rules: {
      grace: config.REFRESH_GRACE * 1000,
      idleTtl: config.REFRESH_IDLE_TTL * 1000,
      lateBudget: 2,
      lateWindow: 30 * DAY,
    },
    absoluteTtl: config.REFRESH_ABSOLUTE_TTL * 1000,
  })
  const gate = createGate(credential)

  await app.register(helmet, {
    // Answers of an API load nothing and are framed by nobody; the sign-in page has a policy of its own.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // Without any referrer a browser would send `Origin: null` with the sign-in form.
    referrerPolicy: { policy: 'same-origin' },
    // The bridge does not know how the gate is reached; this header is the gate's to send.
    strictTransportSecurity: false,
  })
  await app.register(errors)
  await app.register(anyOrigin)
  await app.register(refreshCookie, { issuer })

  await app.register(authRoutes, { issuer, clients, odoo, sessions })
  await app.register(authorizeRoute, { issuer, clients, odoo, sessions, store })
  await app.register(tokenRoute, { clients, sessions, store })
  await app.register(validateRoute, { gate, accessTokens, sessions })
  await app.register(protectedDataRoute, { gate, sessions })
  await app.register(wellKnownRoutes, {
    issuer,
    signer: keys.signer,
    jwksMaxAge: config.JWKS_MAX_AGE,
  })
  await app.register(healthRoutes, { store, signer: keys.signer, odoo })
  return app
}
