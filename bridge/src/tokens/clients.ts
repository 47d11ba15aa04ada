/** How an app may come by tokens. @see RFC 6749 §4.1, §6, §4.4 */
export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials'

/** How an app proves itself at the token endpoint. @see RFC 7591 §2, OIDC Core §9 */
export type ClientAuthenticationMethod =
  'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** What ID tokens are signed with. @see RFC 7518 §3.1 */
export type IdTokenAlgorithm = 'ES256' | 'RS256'

/** A registered client, all its defaults filled in. @see RFC 7591 §2 */
export interface Client {
  client_id: string
  /** Shown on the sign-in page. */
  client_name: string
  redirect_uris: string[]
  /** Where a browser may be sent after a sign-out. @see OIDC RP-Initiated Logout §3.1 */
  post_logout_redirect_uris: string[]
  /** Where it is told that its users are signed out. @see OIDC Back-Channel Logout §2.2 */
  backchannel_logout_uri: string | undefined
  /** Of the same people as the bridge: nobody is asked whether it may. */
  first_party: boolean
  grant_types: GrantType[]
  token_endpoint_auth_method: ClientAuthenticationMethod
  /** SHA-256 of its secret, where it has one. */
  client_secret_sha256: Buffer | undefined
  /** Its public keys, or where they are published: with `private_key_jwt`, one of the two. */
  jwks: { keys: Record<string, unknown>[] } | undefined
  jwks_uri: string | undefined
  /** undefined: that of the bridge's signing key. @see OIDC Dynamic Registration §2 */
  id_token_signed_response_alg: IdTokenAlgorithm | undefined
  /** Whether it must use PKCE. @see RFC 7636 */
  require_pkce: boolean
  /** Scopes that it may ask for. */
  scope: string[]
  /** Audiences that it may ask for; the first is the default. @see RFC 8707 */
  resources: string[]
  /** With `client_credentials`: the login of the Odoo user as whom it acts. */
  odoo_login: string | undefined
  /** External ids of Odoo groups: who is in none of them may not use it. undefined: anybody may. */
  groups: string[] | undefined
  /** Whose pages may call the bridge in its name. */
  origins: string[]
  /** Seconds, as the next two; none is above the bridge's own. */
  access_token_ttl: number
  refresh_idle_ttl: number
  refresh_absolute_ttl: number
  /** How its refresh token travels. One kind is worth nothing where the other is asked for. */
  refresh_delivery: 'cookie' | 'body'
}

/** The clients that are registered now; the file that lists them may change at any time. */
export type Clients = Pick<ReadonlyMap<string, Client>, 'get' | 'values'>

/** Whether it can keep a secret. @see RFC 6749 §2.1 */
export const isConfidential = (client: Client): boolean =>
  client.token_endpoint_auth_method !== 'none'

/**
 * Whether somebody may use this client: asked at sign-in and at every check of a session.
 * @param groups external ids of Odoo groups that the user is in
 */
export const mayUse = (client: Client, groups: readonly string[]): boolean =>
  client.groups === undefined || client.groups.some((group) => groups.includes(group))

/**
 * Whether an address to return to is one of a scheme that a native app has for itself
 * (`com.example.app:/callback`), which other apps of the device can take, too.
 * @see RFC 8252 §7.1
 */
export const hasOwnScheme = (uri: string): boolean => !/^https?:/.test(uri)

/** A loopback address with a port: what stands before it, the port, and what stands behind. */
const LOOPBACK_WITH_PORT = /^(http:\/\/(?:127\.0\.0\.1|\[::1\])):([1-9]\d{0,4})([/?].*)?$/

/**
 * Whether an address to return to is registered: letter by letter, but for the port of a loopback
 * address that is registered without one, because a native app gets its port from the system.
 * @see RFC 8252 §7.3, RFC 9700 §2.1
 */
export function matchesRedirectUri(client: Client, uri: string): boolean {
  if (client.redirect_uris.includes(uri)) return true
  const [, before, port, behind = ''] = LOOPBACK_WITH_PORT.exec(uri) ?? []
  return (
    before !== undefined &&
    Number(port) <= 65_535 &&
    client.redirect_uris.includes(`${before}${behind}`)
  )
}
