import helmet from '@fastify/helmet'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import { odooAudience } from './contract/index.ts'
import { serverTimings } from './demo/server-timing.ts'
import { createWatch, UNWATCHED } from './demo/watch.ts'
import { logger, requestId } from './logger.ts'
import {
  isPaired,
  openKeys,
  openOdoo,
  openProviders,
  openRegisteredClients,
  readGateCredential,
  readRegisteredProviders,
  warnOfAddresses,
} from './open.ts'
import { closing } from './plugins/closing.ts'
import { crossOrigin } from './plugins/cross-origin.ts'
import { errors } from './plugins/errors.ts'
import { createGate } from './plugins/gate.ts'
import { createLimiter } from './plugins/limiter.ts'
import { clientErrorHandler, frameworkErrors } from './plugins/malformed.ts'
import { createMetrics, metricsEndpoint } from './plugins/metrics.ts'
import { openApi } from './plugins/openapi.ts'
import { ownCookies } from './plugins/own-cookies.ts'
import { pages } from './plugins/pages.ts'
import { requestLog } from './plugins/request-log.ts'
import { appsRoutes } from './routes/apps.ts'
import { createAsOdooUser } from './routes/as-odoo-user.ts'
import { authRoutes } from './routes/auth.ts'
import { createBearer } from './routes/bearer.ts'
import { createBrowserSessions } from './routes/browser-session.ts'
import { contactsRoutes } from './routes/contacts.ts'
import { healthRoutes } from './routes/health.ts'
import { methodsRoute } from './routes/methods.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { odooEventsRoute } from './routes/odoo-events.ts'
import { odooSessionsRoutes } from './routes/odoo-sessions.ts'
import { odooStatusRoute } from './routes/odoo-status.ts'
import { protectedDataRoute } from './routes/protected-data.ts'
import { revocationsRoute } from './routes/revocations.ts'
import { sessionsRoutes } from './routes/sessions.ts'
import { createSignIn } from './routes/sign-in.ts'
import { validateRoute } from './routes/validate.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { startCleanup } from './sessions/cleanup.ts'
import { createConsents } from './sessions/consents.ts'
import { createLogouts } from './sessions/logouts.ts'
import { openDatabase } from './sessions/open.ts'
import { createPairings } from './sessions/pairings.ts'
import { createRevocationLog } from './sessions/revocations.ts'
import { openStore } from './sessions/store.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createClientSigner } from './tokens/client-signer.ts'
import { createIdTokens } from './tokens/id-token.ts'
import { createKeyPush, type KeyPush } from './tokens/key-push.ts'
import { createLogoutPush } from './tokens/logout-push.ts'
import { createLogoutRequests } from './tokens/logout-request.ts'
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
  const watch = config.DEMO_MODE ? createWatch(config.VAULT_TRANSIT_KEY) : UNWATCHED
  const clients = openRegisteredClients(config, metrics, app.log)
  app.addHook('onClose', () => {
    clients.close()
  })
  let keyPush: KeyPush | undefined
  const keys = openKeys(config, metrics.keys, () => keyPush?.changed(), app.log, watch)
  app.addHook('onClose', () => {
    keys.close()
  })
  const database = openDatabase(config, (error) => {
    app.log.error({ err: error }, 'a connection to PostgreSQL broke')
  })
  const store = watch.store(
    await openStore(database).catch((error: unknown) => {
      keys.close()
      throw error
    }),
  )
  const revocations = createRevocations(createRevocationLog(database), config.ACCESS_TOKEN_TTL)
  // What gates still have to know stays in any case.
  const retention = Math.max(config.SESSION_RETENTION * 1000, revocations.window)
  const stopCleanup = startCleanup(store, retention, app.log)
  app.addHook('onClose', () => {
    stopCleanup()
    return store.close()
  })

  if (database.pool) metrics.watchPool(database.pool)

  const odoo = metrics.observed(openOdoo(config, keys.signer, clients, watch))
  app.addHook('onClose', () => odoo.close())
  app.addHook('onListen', () => warnOfAddresses(odoo, app.log))
  const accessTokens = createAccessTokens(keys.signer, issuer, config.ACCESS_TOKEN_TTL)
  const clientSigner = createClientSigner(keys, clients)
  const idTokens = createIdTokens(clientSigner, issuer)
  const logoutPush = createLogoutPush({
    clients,
    queue: createLogouts(database),
    idTokens,
    requests: createLogoutRequests(),
    log: app.log,
    observe: metrics.logout,
  })
  app.addHook('onReady', () => {
    logoutPush.start()
  })
  app.addHook('onClose', () => logoutPush.stop())
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
  const signIn = watch.signIn(
    createSignIn({
      odoo,
      limiter: createLimiter(database, config.SIGN_IN_FAILURES_PER_ADDRESS),
      floor: config.SIGN_IN_FLOOR,
      observe: metrics.signIn,
    }),
  )

  // First: what comes before it is not measured.
  if (config.DEMO_MODE) await app.register(serverTimings)
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

  const browser = createBrowserSessions({ clients, sessions })
  await app.register(authRoutes, { issuer, clients, signIn, sessions, browser })
  const providers = openProviders(config, registeredProviders, odoo)
  app.addHook('onClose', () => providers.close())
  const { ODOO_PUBLIC_URL: odooUrl } = config
  const consents = createConsents(database)
  await app.register(methodsRoute, { providers: providers.all })
  await app.register(oauthRoutes, {
    issuer,
    clients,
    store,
    consents,
    secrets: keys.secrets,
    accessTokens,
    refreshTokens,
    idTokens,
    sessions,
    browser,
    signIn,
    providers: providers.all,
    forgotten: odooUrl === undefined ? undefined : `${odooUrl}/web/reset_password`,
    lookup: isPaired(odoo) ? (by) => odoo.lookup(by) : undefined,
    observe: metrics.signIn,
  })
  const bearer = createBearer(issuer, accessTokens, sessions)
  await app.register(sessionsRoutes, { bearer, clients, sessions })
  await app.register(appsRoutes, { bearer, clients, consents, sessions })
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
      clientSigner,
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
  const asOdooUser = createAsOdooUser({ gate, sessions })
  await app.register(protectedDataRoute, { asOdooUser })
  await app.register(contactsRoutes, { asOdooUser })
  await app.register(wellKnownRoutes, {
    issuer,
    machineClients: isPaired(odoo),
    clientSigner,
    jwksMaxAge: config.JWKS_MAX_AGE,
  })
  await app.register(healthRoutes, { store, signer: keys.signer, odoo })
  return app
}
