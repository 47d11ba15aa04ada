import { readFileSync } from 'node:fs'
import helmet from '@fastify/helmet'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { ConfigError, type Config } from './config.ts'
import { openClients, type WatchedClients } from './clients/file.ts'
import { odooAudience, PATHS } from './contract/index.ts'
import { fileKeys } from './keys/file.ts'
import type { KeyEvents, Keys, Signer } from './keys/port.ts'
import { vaultKeys } from './keys/vault.ts'
import { logger, requestId } from './logger.ts'
import { addonOdoo } from './odoo/addon.ts'
import { odooHttp } from './odoo/http.ts'
import type { IdentityProvider, Lookup, PairedOdoo } from './odoo/port.ts'
import { stockOdoo } from './odoo/stock.ts'
import { closing } from './plugins/closing.ts'
import { crossOrigin } from './plugins/cross-origin.ts'
import { errors } from './plugins/errors.ts'
import { createGate } from './plugins/gate.ts'
import { createLimiter } from './plugins/limiter.ts'
import { clientErrorHandler, frameworkErrors } from './plugins/malformed.ts'
import { createMetrics, metricsEndpoint, type Metrics } from './plugins/metrics.ts'
import { openApi } from './plugins/openapi.ts'
import { ownCookies } from './plugins/own-cookies.ts'
import { pages } from './plugins/pages.ts'
import { requestLog } from './plugins/request-log.ts'
import { authRoutes } from './routes/auth.ts'
import { createBearer } from './routes/bearer.ts'
import { endSessionRoute } from './routes/end-session.ts'
import { userInfoRoute } from './routes/userinfo.ts'
import { createClientDoor } from './routes/client.ts'
import { healthRoutes } from './routes/health.ts'
import { methodsRoute } from './routes/methods.ts'
import { odooEventsRoute } from './routes/odoo-events.ts'
import { odooSessionsRoutes } from './routes/odoo-sessions.ts'
import { odooStatusRoute } from './routes/odoo-status.ts'
import { authorizeRoute } from './routes/oauth-authorize.ts'
import { introspectRoute } from './routes/oauth-introspect.ts'
import { revokeRoute } from './routes/oauth-revoke.ts'
import { tokenRoute } from './routes/oauth-token.ts'
import { protectedDataRoute } from './routes/protected-data.ts'
import { revocationsRoute } from './routes/revocations.ts'
import { sessionsRoutes } from './routes/sessions.ts'
import { createSignIn } from './routes/sign-in.ts'
import { validateRoute } from './routes/validate.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { startCleanup } from './sessions/cleanup.ts'
import { openDatabase } from './sessions/open.ts'
import { createPairings } from './sessions/pairings.ts'
import { createRevocationLog } from './sessions/revocations.ts'
import { openStore } from './sessions/store.ts'
import { createAuthorize } from './oauth/authorize.ts'
import { createAuthorizationAnswers } from './routes/authorization-answer.ts'
import { createBrowserSessions } from './routes/browser-session.ts'
import { createConsents } from './sessions/consents.ts'
import { createIdTokens } from './tokens/id-token.ts'
import { createClientAuthentication } from './oauth/client-authentication.ts'
import { createMachineGrant } from './oauth/machine.ts'
import { createTokenReader } from './oauth/token-reader.ts'
import { odooProvider } from './providers/odoo.ts'
import { openIdProvider, type OpenIdProvider } from './providers/openid.ts'
import type { SignInProvider } from './providers/port.ts'
import { readProviders, type RegisteredProvider } from './providers/settings.ts'
import { continueRoutes, createProviderLinks } from './routes/continue.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createAssertions } from './tokens/assertion.ts'
import type { Clients } from './tokens/clients.ts'
import { createKeyPush, type KeyPush } from './tokens/key-push.ts'
import { createOdooProofs } from './tokens/odoo-proof.ts'
import { createReconcile } from './tokens/reconcile.ts'
import { createRefreshTokens } from './tokens/refresh-token.ts'
import { createRevocationPush } from './tokens/revocation-push.ts'
import { createRevocations } from './tokens/revocations.ts'
import { createSessions } from './tokens/sessions.ts'
import { signingKid } from './tokens/signing-kid.ts'
import { VERSION } from './version.ts'

const DAY = 86_400_000

/** Milliseconds that a refresh waits for an Odoo that may also be asked later. */
const RECHECK_PATIENCE = 2000

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

function readClients(config: Config, metrics: Metrics, log: FastifyBaseLogger): WatchedClients {
  try {
    return openClients({
      file: config.CLIENTS_FILE,
      issuer: config.ISSUER,
      databaseUuid: config.ODOO_DATABASE_UUID,
      accessTokenTtl: config.ACCESS_TOKEN_TTL,
      refreshIdleTtl: config.REFRESH_IDLE_TTL,
      refreshAbsoluteTtl: config.REFRESH_ABSOLUTE_TTL,
      machineClients: config.ODOO_ADAPTER === 'addon',
      log,
      observe: metrics.clients,
    })
  } catch (error) {
    throw new ConfigError([`CLIENTS_FILE: ${(error as Error).message}`])
  }
}

function readRegisteredProviders({ PROVIDERS_FILE: file }: Config): RegisteredProvider[] {
  try {
    return file === undefined ? [] : readProviders(file)
  } catch (error) {
    throw new ConfigError([`PROVIDERS_FILE: ${(error as Error).message}`])
  }
}

function openKeys(
  config: Config,
  events: KeyEvents,
  changed: () => void,
  log: FastifyBaseLogger,
): Keys {
  const { KEY_CUSTODY: custody, KEY_FILE, VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID_FILE } = config
  if (custody === 'file') {
    if (KEY_FILE === undefined) throw new ConfigError(['KEY_FILE: expected a path'])
    log.warn({ file: KEY_FILE }, 'keys lie in a file: whoever can read it can forge any token')
    return fileKeys(KEY_FILE, config.KEY_FILE_ALGORITHM, events)
  }
  return vaultKeys({
    custody,
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
    // The short tokens for Odoo may be the longest where access tokens are very short.
    signedFor: Math.max(config.ACCESS_TOKEN_TTL, 60),
    changed,
    events,
    log,
  })
}

function openOdoo(config: Config, signer: Signer, clients: Clients): IdentityProvider | PairedOdoo {
  const baseUrl = config.ODOO_URL
  const timeout = config.ODOO_TIMEOUT * 1000
  // Checks have a share of their own: however many are due, who signs in or works comes through,
  // and the other way round.
  const forChecks = Math.max(1, Math.floor(config.ODOO_CONNECTIONS / 4))
  const connections = Math.max(1, config.ODOO_CONNECTIONS - forChecks)
  const options = {
    http: odooHttp({ baseUrl, timeout, connections }),
    checkHttp: odooHttp({ baseUrl, timeout, connections: forChecks }),
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
const isPaired = (odoo: IdentityProvider): odoo is PairedOdoo => 'stamps' in odoo

/** Odoo's own login page, where it may be signed in at. */
function openOdooProvider(config: Config, odoo: IdentityProvider): SignInProvider[] {
  const { ODOO_PUBLIC_URL: publicUrl, ODOO_DATABASE_UUID: uuid } = config
  if (publicUrl === undefined || !isPaired(odoo)) return []
  return [odooProvider({ odoo, publicUrl, odooAudience: odooAudience(uuid) })]
}

/** Says so where one person's wrong passwords may lock everybody out of Odoo. */
async function warnOfAddresses(odoo: IdentityProvider, log: FastifyBaseLogger): Promise<void> {
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

/**
 * Puts the bridge together from its settings. It does not listen; `close()` gives everything back.
 * @throws ConfigError where a file that a setting names is missing or malformed
 */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const { ISSUER: issuer } = config
  const credential = readGateCredential(config.GATE_CREDENTIAL_FILE)
  const registeredProviders = readRegisteredProviders(config)
  const app = Fastify({
    logger: logger(config.LOG_LEVEL),
    trustProxy: config.TRUST_PROXY,
    genReqId: requestId,
    // See plugins/request-log.ts.
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    bodyLimit: 64 * 1024,
    // Whoever sends a request slower than this has no request.
    requestTimeout: 30_000,
    http: { maxHeaderSize: 16 * 1024, headersTimeout: 20_000 },
    clientErrorHandler,
    frameworkErrors,
    // A string in a query or a form stays a string, and nothing is dropped silently.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  // An HTML form can send text/plain anywhere; nothing here takes it.
  app.removeContentTypeParser('text/plain')

  const metrics = createMetrics()
  const clients = readClients(config, metrics, app.log)
  app.addHook('onClose', () => {
    clients.close()
  })
  let keyPush: KeyPush | undefined
  const keys = openKeys(config, metrics.keys, () => keyPush?.changed(), app.log)
  app.addHook('onClose', () => {
    keys.close()
  })
  const database = openDatabase(config, (error) => {
    app.log.error({ err: error }, 'a connection to PostgreSQL broke')
  })
  const store = await openStore(database).catch((error: unknown) => {
    keys.close()
    throw error
  })
  const revocations = createRevocations(createRevocationLog(database), config.ACCESS_TOKEN_TTL)
  // What gates still have to know stays in any case.
  const retention = Math.max(config.SESSION_RETENTION * 1000, revocations.window)
  const stopCleanup = startCleanup(store, retention, app.log)
  app.addHook('onClose', () => {
    stopCleanup()
    return store.close()
  })

  if (database.pool) metrics.watchPool(database.pool)

  const odoo = metrics.observed(openOdoo(config, keys.signer, clients))
  app.addHook('onClose', () => odoo.close())
  app.addHook('onListen', () => warnOfAddresses(odoo, app.log))
  const accessTokens = createAccessTokens(keys.signer, issuer, config.ACCESS_TOKEN_TTL)
  const idTokens = createIdTokens(keys.signer, issuer)
  const refreshTokens = createRefreshTokens(keys.secrets, issuer)
  const sessions = createSessions({
    clients,
    store,
    secrets: keys.secrets,
    accessTokens,
    refreshTokens,
    idTokens,
    odoo,
    rules: {
      grace: config.REFRESH_GRACE * 1000,
      idleTtl: config.REFRESH_IDLE_TTL * 1000,
      lateBudget: 2,
      lateWindow: 30 * DAY,
      tolerance: config.ODOO_OUTAGE_TOLERANCE * 1000,
    },
    recheckRules: {
      interval: config.ODOO_RECHECK_INTERVAL * 1000,
      tolerance: config.ODOO_OUTAGE_TOLERANCE * 1000,
      patience: RECHECK_PATIENCE,
    },
    absoluteTtl: config.REFRESH_ABSOLUTE_TTL * 1000,
    odooAudience: odooAudience(config.ODOO_DATABASE_UUID),
    signOutOfBrowser: ['both', 'to_odoo'].includes(config.ODOO_SINGLE_LOGOUT),
    observe: metrics.refresh,
  })
  const gate = createGate(credential, issuer)
  const signIn = createSignIn({
    odoo,
    limiter: createLimiter(database, config.SIGN_IN_FAILURES_PER_ADDRESS),
    floor: config.SIGN_IN_FLOOR,
    observe: metrics.signIn,
  })

  app.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id)
    next()
  })

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
  await app.register(requestLog)
  await app.register(closing)
  await app.register(errors)
  await app.register(openApi, { issuer, documentation: config.DOCUMENTATION })
  await app.register(metricsEndpoint, { metrics })
  await app.register(crossOrigin, { clients })
  await app.register(ownCookies, { issuer })
  await app.register(pages)

  await app.register(authRoutes, { issuer, clients, signIn, sessions })
  const browser = createBrowserSessions({ clients, sessions, store })
  const answers = createAuthorizationAnswers({
    issuer,
    secrets: keys.secrets,
    consents: createConsents(database),
    idTokens,
    authorize: createAuthorize(issuer, sessions, store),
    sessions,
  })
  const upstream: OpenIdProvider[] = isPaired(odoo)
    ? registeredProviders.map((registered) => openIdProvider({ ...registered, odoo }))
    : []
  app.addHook('onClose', async () => {
    await Promise.all(upstream.map((each) => each.close()))
  })
  const providers = [...openOdooProvider(config, odoo), ...upstream]
  await app.register(methodsRoute, { providers })
  await app.register(continueRoutes, {
    issuer,
    clients,
    providers,
    secrets: keys.secrets,
    browser,
    answers,
    observe: metrics.signIn,
  })
  await app.register(authorizeRoute, {
    issuer,
    clients,
    secrets: keys.secrets,
    signIn,
    browser,
    answers,
    providers: createProviderLinks(providers),
    forgotten:
      config.ODOO_PUBLIC_URL === undefined
        ? undefined
        : `${config.ODOO_PUBLIC_URL}/web/reset_password`,
  })
  await app.register(userInfoRoute, { clients, accessTokens, sessions })
  await app.register(endSessionRoute, {
    issuer,
    clients,
    secrets: keys.secrets,
    sessions,
    store,
    idTokens,
    browser,
  })
  const tokenEndpoint = issuer + PATHS.token
  const authenticate = createClientAuthentication({ issuer, tokenEndpoint, clients, store })
  const clientDoor = createClientDoor({ clients, authenticate })
  const lookup = isPaired(odoo) ? (by: Lookup) => odoo.lookup(by) : undefined
  const machine = createMachineGrant(sessions, lookup)
  await app.register(tokenRoute, { clientDoor, sessions, store, machine })
  const readToken = createTokenReader(accessTokens, refreshTokens)
  await app.register(revokeRoute, { clientDoor, readToken, sessions })
  await app.register(introspectRoute, { clientDoor, readToken, sessions })
  const bearer = createBearer(issuer, accessTokens, sessions)
  await app.register(sessionsRoutes, { bearer, clients, sessions })
  await app.register(validateRoute, { gate, accessTokens, sessions })
  await app.register(revocationsRoute, { gate, revocations })
  if (isPaired(odoo)) {
    const pairings = createPairings(database)
    const reconcile = createReconcile({
      store,
      pairings,
      odoo,
      issuer,
      odooAudience: odooAudience(config.ODOO_DATABASE_UUID),
      interval: config.ODOO_RECONCILE_INTERVAL * 1000,
      recheckInterval: config.ODOO_RECHECK_INTERVAL * 1000,
      followSignOut: ['both', 'from_odoo'].includes(config.ODOO_SINGLE_LOGOUT),
      log: app.log,
      observe: metrics.reconcile,
    })
    const { log } = app
    const revocationPush = createRevocationPush({
      revocations,
      odoo,
      log,
      observe: metrics.pushes.revocations,
    })
    keyPush = createKeyPush({
      signer: keys.signer,
      odoo,
      log,
      observe: metrics.pushes.keys,
    })
    for (const part of [reconcile, revocationPush, keyPush]) {
      app.addHook('onReady', () => {
        part.start()
      })
      app.addHook('onClose', () => part.stop())
    }
    const proofs = createOdooProofs({ verifier: () => reconcile.verifier(), pairings })
    await app.register(odooEventsRoute, { proofs, reconcile, observe: metrics.event })
    await app.register(odooStatusRoute, {
      proofs,
      facts: {
        issuer,
        version: VERSION,
        access_token_ttl: config.ACCESS_TOKEN_TTL,
        refresh_idle_ttl: config.REFRESH_IDLE_TTL,
        refresh_absolute_ttl: config.REFRESH_ABSOLUTE_TTL,
        role_map: config.ROLE_MAP,
      },
      signingKid: () => signingKid(keys.signer),
    })
    await app.register(odooSessionsRoutes, { proofs, clients, sessions })
  }
  await app.register(protectedDataRoute, { gate, sessions })
  await app.register(wellKnownRoutes, {
    issuer,
    machineClients: lookup !== undefined,
    signer: keys.signer,
    jwksMaxAge: config.JWKS_MAX_AGE,
  })
  await app.register(healthRoutes, { store, signer: keys.signer, odoo })
  return app
}
