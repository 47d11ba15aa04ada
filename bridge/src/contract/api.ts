import type { AccessTokenClaims } from './tokens.ts'
import type { ValidationStatus } from './gate.ts'

/** The client id of the first-party PWA. Its refresh token lives in a cookie. */
export const PWA_CLIENT_ID = 'drawbridge-pwa'

/** Paths of the bridge, all below the issuer. */
export const PATHS = {
  login: '/auth/login',
  refresh: '/auth/refresh',
  logout: '/auth/logout',
  sessions: '/auth/sessions',
  apps: '/auth/apps',
  /** How one may sign in. */
  methods: '/auth/methods',
  validate: '/auth/validate',
  revocations: '/gate/revocations',
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  introspect: '/oauth/introspect',
  userinfo: '/oauth/userinfo',
  endSession: '/oauth/logout',
  jwks: '/.well-known/jwks.json',
  openidConfiguration: '/.well-known/openid-configuration',
  authorizationServerMetadata: '/.well-known/oauth-authorization-server',
  /** @see RFC 9728 §3.1: the path of the resource comes last. */
  protectedResourceMetadata: '/.well-known/oauth-protected-resource/api',
  protectedData: '/api/protected/data',
  contacts: '/api/contacts',
} as const

/** Where a sign-in at a provider begins; its `id` follows. */
export const CONTINUE_PATH = '/auth/continue'

/** Body of `POST /auth/login`. */
export interface LoginRequest {
  login: string
  password: string
  /** The code of the second factor, where one is due: after `mfa_required`. */
  totp?: string
  /**
   * Whether the session may outlive the browser; default true. `false` is for a shared computer: the
   * cookie goes with the browser, and the session ends after 12 hours in any case.
   */
  persistent?: boolean
}

/** What every answer with an access token has. @see RFC 6749 §5.1 */
export interface TokenResponse {
  access_token: string
  token_type: 'Bearer'
  /** Seconds. */
  expires_in: number
  scope: string
}

/** Answer of `POST /auth/login` and `POST /auth/refresh`; the refresh token is in the cookie. */
export interface SessionTokenResponse extends TokenResponse {
  /** Seconds until the session is over if it is not refreshed again. */
  refresh_expires_in: number
  /** As it was asked for at sign-in; where it is false, nothing may be kept on the device. */
  persistent: boolean
}

/**
 * Answer of `POST /oauth/token` to a client that may refresh; the others get a `TokenResponse`.
 * @see RFC 6749 §5.1
 */
export interface OAuthTokenResponse extends TokenResponse {
  refresh_token: string
  /** With the scope `openid`. @see OpenID Connect Core 1.0 §3.1.3.3 */
  id_token?: string
}

/** Answer of `POST /oauth/introspect`; of a token that is not good, `active` alone. @see RFC 7662 §2.2 */
export type IntrospectionResponse =
  | { active: false }
  | {
      active: true
      iss: string
      sub: string
      aud: string | string[]
      client_id: string
      scope: string
      iat: number
      exp: number
      /** Of an access token, as the next two. */
      token_type?: 'Bearer'
      jti?: string
      auth_time?: number
    }

/** Answer of `GET /auth/methods`. */
export interface SignInMethods {
  /** Other places to sign in at. To be opened with `?return_to=`, a path of this origin. */
  providers: { id: string; name: string; url: string }[]
}

/** One of the devices that a user is signed in with. Times are seconds since 1970. */
export interface SessionDescription {
  sid: string
  client_id: string
  client_name: string
  /** "Firefox on Windows". */
  device: string
  ip: string
  created_at: number
  last_seen_at: number
  /** How often of late a refresh came so late that it may have been somebody else's. */
  late_replays: number
  /** Whether it may outlive the browser; false where it was begun at a shared computer. */
  persistent: boolean
  /** Whether it is the one that asks. */
  current: boolean
}

/** Answer of `GET /auth/sessions`. */
export interface SessionsResponse {
  sessions: SessionDescription[]
}

/**
 * An app that a user has let in, or is signed in to now. The PWA, which shows them, is none of them.
 * Times are seconds since 1970.
 */
export interface ConnectedApp {
  client_id: string
  client_name: string
  /** Of the same people as the bridge: nobody was asked whether it may. */
  first_party: boolean
  /** All that the user let it have, or that it has now; space separated. */
  scope: string
  /** When the user said last that it may; null where nobody was asked. */
  granted_at: number | null
  /** How many of its sessions live. */
  sessions: number
  /** When one of them was used last; null where none lives. */
  last_seen_at: number | null
}

/** Answer of `GET /auth/apps`. */
export interface ConnectedAppsResponse {
  apps: ConnectedApp[]
}

/** Body of `POST /auth/validate`. */
export interface ValidateRequest {
  token: string
  /** The audience that the location asks for. */
  audience: string
}

/** Answer of `POST /auth/validate`. `claims` only with `Valid`. */
export interface ValidateResponse {
  status: ValidationStatus
  claims?: AccessTokenClaims
}
