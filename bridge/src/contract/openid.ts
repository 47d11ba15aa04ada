/** Scopes of OpenID Connect, which any client may ask for. @see OpenID Connect Core 1.0 §5.4, §11 */
export const OPENID_SCOPES = [
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
] as const

/** Claims of an ID token. Times are seconds since 1970. @see OpenID Connect Core 1.0 §2 */
export interface IdTokenClaims {
  iss: string
  sub: string
  aud: string
  iat: number
  exp: number
  auth_time: number
  amr?: string[]
  /** How well the user proved who they are, where that is known: see docs/oauth.md. */
  acr?: string
  /** As the client sent it. */
  nonce?: string
  /** The left half of the access token's SHA-256. */
  at_hash: string
  /** The session, for logging out. @see OpenID Connect Back-Channel Logout 1.0 §2.1 */
  sid: string
}

/** What a logout token says has happened. @see OpenID Connect Back-Channel Logout 1.0 §2.4 */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * Claims of a logout token; it never has a `nonce`. Times are seconds since 1970.
 * @see OpenID Connect Back-Channel Logout 1.0 §2.4
 */
export interface LogoutTokenClaims {
  iss: string
  sub: string
  aud: string
  iat: number
  exp: number
  jti: string
  /** The session that its user is signed out of, as in the ID token. */
  sid: string
  events: { [LOGOUT_EVENT]: Record<string, never> }
}

/** What a client may be told of a user. @see OpenID Connect Core 1.0 §5.1 */
export interface UserInfo {
  /** The Odoo user id, as a string. */
  sub: string
  name?: string
  preferred_username?: string
  locale?: string
  zoneinfo?: string
  website?: string
  /** Seconds since 1970. */
  updated_at?: number
  email?: string
  email_verified?: boolean
  phone_number?: string
  phone_number_verified?: boolean
  address?: {
    street_address?: string
    locality?: string
    region?: string
    postal_code?: string
    country?: string
  }
}
