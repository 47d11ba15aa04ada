/** `typ` of an access token. @see RFC 9068 §2.1 */
export const ACCESS_TOKEN_TYP = 'at+jwt'

/** `typ` of a refresh token: never valid where an access token is asked for, nor the other way round. */
export const REFRESH_TOKEN_TYP = 'rt+jwt'

/** `typ` of a logout token: no ID token and no access token passes as one, nor the other way round. */
export const LOGOUT_TOKEN_TYP = 'logout+jwt'

/** Reading methods of Odoo's API. */
export const SCOPE_READ = 'odoo.read'

/** Every method of Odoo's API that the user may call. */
export const SCOPE_WRITE = 'odoo.write'

/** The audience of what stands behind the gate of `issuer`. */
export const apiAudience = (issuer: string): string => `${issuer}/api`

/** The audience of one Odoo database itself, by its `database.uuid`. */
export const odooAudience = (databaseUuid: string): string => `odoo:${databaseUuid}`

/** Claims of an access token. Times are seconds since 1970. @see RFC 9068 §2.2 */
export interface AccessTokenClaims {
  iss: string
  aud: string | string[]
  /** The Odoo user id, as a string: one issuer is one Odoo database. */
  sub: string
  client_id: string
  /** Space separated. */
  scope: string
  exp: number
  iat: number
  jti: string
  /** The session that the token was minted for. */
  sid: string
  /** When the user last typed a credential. */
  auth_time: number
  /** How: `pwd`, `otp`, … @see RFC 8176 */
  amr: string[]
  /** Odoo groups, by the configured map. */
  roles: string[]
}

/** Claims of a refresh token. The audience is the bridge itself. */
export interface RefreshTokenClaims {
  iss: string
  aud: string
  client_id: string
  sid: string
  /** How often this session's refresh token had been rotated when this one was made. */
  gen: number
  iat: number
  exp: number
}

/** `typ` of what the bridge proves itself to the addon with. Never valid as an access token. */
export const ASSERTION_TYP = 'drawbridge-assertion+jwt'

/** What makes a proof good for one request alone. Times are seconds since 1970. */
export interface RequestProofClaims {
  iat: number
  exp: number
  jti: string
  /** The method of the request, and its path. @see RFC 9449 §4.2 */
  htm: string
  htu: string
  /** Of its body. @see RFC 9530 §2 */
  content_digest: string
}

/** Claims of an assertion. */
export interface AssertionClaims extends RequestProofClaims {
  iss: string
  /** `odoo:<database.uuid>` */
  aud: string
}
