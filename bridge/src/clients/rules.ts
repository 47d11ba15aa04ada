import { createPublicKey } from 'node:crypto'
import { hasOwnScheme } from '../tokens/clients.ts'
import type { ClientEntry } from './schema.ts'

/** What the settings of the bridge let a client have. Times are in seconds. */
export interface BridgeLimits {
  accessTokenTtl: number
  refreshIdleTtl: number
  refreshAbsoluteTtl: number
  /** Whether machines can act as a user: that takes an Odoo with the addon. */
  machineClients: boolean
  /** Whether there is a key for RS256 ID tokens. */
  idTokenKey: boolean
}

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post']

/** Members of a private, or of a symmetric key. @see RFC 7518 §6 */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function isPublicKey(jwk: Record<string, unknown>): boolean {
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return false
  try {
    createPublicKey({ key: jwk, format: 'jwk' })
    return true
  } catch {
    return false
  }
}

/** What each member asks of the others. @returns sentences, each of which names its member */
export function conflictsIn(entry: ClientEntry, limits: BridgeLimits): string[] {
  const {
    token_endpoint_auth_method: method = 'none',
    grant_types: grants = ['authorization_code', 'refresh_token'],
    redirect_uris = [],
    post_logout_redirect_uris: afterwards = [],
  } = entry
  const hasSecret = SECRET_METHODS.includes(method)
  const signs = method === 'private_key_jwt'
  const isMachine = grants.includes('client_credentials')
  const hasCode = grants.includes('authorization_code')
  const above = (name: 'access_token_ttl' | 'refresh_idle_ttl' | 'refresh_absolute_ttl') => {
    const [limit, setting] = {
      access_token_ttl: [limits.accessTokenTtl, 'ACCESS_TOKEN_TTL'] as const,
      refresh_idle_ttl: [limits.refreshIdleTtl, 'REFRESH_IDLE_TTL'] as const,
      refresh_absolute_ttl: [limits.refreshAbsoluteTtl, 'REFRESH_ABSOLUTE_TTL'] as const,
    }[name]
    const isAbove = (entry[name] ?? 0) > limit
    return [isAbove, `${name}: expected ${limit} or less (${setting})`] as const
  }
  const rules: (readonly [broken: boolean, sentence: string])[] = [
    [
      hasSecret && entry.client_secret_sha256 === undefined,
      `client_secret_sha256: missing, token_endpoint_auth_method is ${method}`,
    ],
    [
      !hasSecret && entry.client_secret_sha256 !== undefined,
      `client_secret_sha256: not expected, token_endpoint_auth_method is ${method}`,
    ],
    [
      signs && (entry.jwks === undefined) === (entry.jwks_uri === undefined),
      'jwks, jwks_uri: expected one of the two (private_key_jwt)',
    ],
    [
      !signs && (entry.jwks ?? entry.jwks_uri) !== undefined,
      `jwks, jwks_uri: not expected, token_endpoint_auth_method is ${method}`,
    ],
    [!(entry.jwks?.keys ?? []).every(isPublicKey), 'jwks: expected public keys alone, well-formed'],
    [
      method === 'none' && entry.require_pkce === false,
      'require_pkce: expected true where token_endpoint_auth_method is none',
    ],
    [
      method !== 'none' && [...redirect_uris, ...afterwards].some(hasOwnScheme),
      "redirect_uris, post_logout_redirect_uris: an app's own scheme is expected with token_endpoint_auth_method none alone",
    ],
    [
      hasCode && redirect_uris.length === 0,
      'redirect_uris: expected one at least (authorization_code)',
    ],
    [
      !hasCode && redirect_uris.length > 0,
      'redirect_uris: not expected, grant_types has no authorization_code',
    ],
    [
      !hasCode && entry.backchannel_logout_uri !== undefined,
      'backchannel_logout_uri: not expected, grant_types has no authorization_code',
    ],
    [
      entry.backchannel_logout_session_required !== undefined &&
        entry.backchannel_logout_uri === undefined,
      'backchannel_logout_session_required: not expected without backchannel_logout_uri',
    ],
    [
      grants.includes('refresh_token') && !hasCode,
      'grant_types: refresh_token is expected beside authorization_code alone',
    ],
    [
      isMachine && method === 'none',
      'token_endpoint_auth_method: expected another than none (client_credentials)',
    ],
    [isMachine && entry.odoo_login === undefined, 'odoo_login: missing (client_credentials)'],
    [
      !isMachine && entry.odoo_login !== undefined,
      'odoo_login: not expected, grant_types has no client_credentials',
    ],
    [
      isMachine && !limits.machineClients,
      'grant_types: client_credentials is expected with ODOO_ADAPTER=addon alone',
    ],
    [
      entry.id_token_signed_response_alg === 'RS256' && !limits.idTokenKey,
      "id_token_signed_response_alg: RS256 is expected with VAULT_TRANSIT_ID_TOKEN_KEY or ID_TOKEN_KEY_FILE alone; leave it out where the bridge's signing key itself is RSA",
    ],
    above('access_token_ttl'),
    above('refresh_idle_ttl'),
    above('refresh_absolute_ttl'),
  ]
  return rules.filter(([broken]) => broken).map(([, sentence]) => sentence)
}
