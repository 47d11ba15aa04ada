import type { FastifyPluginAsync } from 'fastify'
import { PATHS } from '../contract/index.ts'
import type { SecretKeys } from '../keys/port.ts'
import { createAuthorize } from '../oauth/authorize.ts'
import { createClientAuthentication } from '../oauth/client-authentication.ts'
import { createMachineGrant } from '../oauth/machine.ts'
import { createTokenReader } from '../oauth/token-reader.ts'
import type { PairedOdoo } from '../odoo/port.ts'
import type { SignInProvider } from '../providers/port.ts'
import type { ConsentStore, SessionStore } from '../sessions/port.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Clients } from '../tokens/clients.ts'
import type { IdTokens } from '../tokens/id-token.ts'
import type { RefreshTokens } from '../tokens/refresh-token.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { createAuthorizationAnswers } from './authorization-answer.ts'
import type { BrowserSessions } from './browser-session.ts'
import { createClientDoor } from './client.ts'
import { continueRoutes, createProviderLinks } from './continue.ts'
import { endSessionRoute } from './end-session.ts'
import { authorizeRoute } from './oauth-authorize.ts'
import { introspectRoute } from './oauth-introspect.ts'
import { revokeRoute } from './oauth-revoke.ts'
import { tokenRoute } from './oauth-token.ts'
import type { SignIn, SignInOutcome } from './sign-in.ts'
import { userInfoRoute } from './userinfo.ts'

export interface OAuthRoutesOptions {
  issuer: string
  clients: Clients
  store: SessionStore
  consents: ConsentStore
  secrets: SecretKeys
  accessTokens: AccessTokens
  refreshTokens: RefreshTokens
  idTokens: IdTokens
  sessions: Sessions
  browser: BrowserSessions
  signIn: SignIn
  /** Other places to sign in at. */
  providers: readonly SignInProvider[]
  /** Where Odoo helps with a forgotten password; undefined where browsers do not reach it. */
  forgotten: string | undefined
  /** Finds users of machine clients; undefined where Odoo has no addon. */
  lookup: PairedOdoo['lookup'] | undefined
  /** Told how each return from a provider ended. */
  observe: (outcome: SignInOutcome) => void
}

/** All that other apps use, and the ways of browsers through it. */
export const oauthRoutes: FastifyPluginAsync<OAuthRoutesOptions> = async (app, options) => {
  const { issuer, clients, store, secrets, sessions, browser, signIn, observe } = options
  const { accessTokens, refreshTokens, idTokens, consents, providers, forgotten, lookup } = options

  // Where people go.
  const authorize = createAuthorize({ issuer, sessions, store, consents })
  const answers = createAuthorizationAnswers({
    issuer,
    secrets,
    consents,
    idTokens,
    authorize,
    sessions,
  })
  const ways = { issuer, clients, secrets, browser }
  await app.register(continueRoutes, { ...ways, answers, providers, observe })
  await app.register(authorizeRoute, {
    ...ways,
    answers,
    signIn,
    providers: createProviderLinks(providers),
    forgotten,
  })
  await app.register(endSessionRoute, { ...ways, sessions, store, idTokens })

  // Where apps themselves go.
  const tokenEndpoint = issuer + PATHS.token
  const authenticate = createClientAuthentication({ issuer, tokenEndpoint, clients, store })
  const clientDoor = createClientDoor({ clients, authenticate })
  const machine = createMachineGrant(sessions, lookup)
  await app.register(tokenRoute, { clientDoor, sessions, store, machine })
  const readToken = createTokenReader(accessTokens, refreshTokens)
  await app.register(revokeRoute, { clientDoor, readToken, sessions })
  await app.register(introspectRoute, { clientDoor, readToken, sessions })
  await app.register(userInfoRoute, { clients, accessTokens, sessions })
}
