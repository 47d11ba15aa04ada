import {
  apiAudience,
  odooAudience,
  PWA_CLIENT_ID,
  SCOPE_READ,
  SCOPE_WRITE,
} from '../contract/index.ts'

/** A registered client. @see RFC 7591 §2 */
export interface Client {
  client_id: string
  /** Shown on the sign-in page. */
  client_name: string
  redirect_uris: string[]
  /** Scopes that it may ask for. */
  scope: string[]
  /** Audiences that it may ask for; the first is the default. @see RFC 8707 */
  resources: string[]
  /** Whether its users are not asked what it may do. */
  first_party: boolean
  /** Whether a code is given to a request with a PKCE challenge alone. */
  require_pkce: boolean
  /** Where it may send people after signing out. @see OpenID Connect RP-Initiated Logout 1.0 §3.1 */
  post_logout_redirect_uris: string[]
  /** How its refresh token travels. One kind is worth nothing where the other is asked for. */
  refresh_delivery: 'cookie' | 'body'
}

export type Clients = ReadonlyMap<string, Client>

/** The bridge's own PWA: its tokens are good at the gate, at the bridge and at Odoo. */
const pwa = (issuer: string, databaseUuid: string): Client => ({
  client_id: PWA_CLIENT_ID,
  client_name: 'Drawbridge',
  first_party: true,
  require_pkce: true,
  post_logout_redirect_uris: [],
  redirect_uris: [],
  scope: [SCOPE_READ, SCOPE_WRITE],
  resources: [apiAudience(issuer), issuer, odooAudience(databaseUuid)],
  refresh_delivery: 'cookie',
})

const isListOfStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')

/** Absolute, without a fragment, and on plain http only where it never leaves the machine. @see RFC 9700 §2.1 */
function isSafeRedirectUri(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, hash } = new URL(text)
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return hash === '' && (protocol === 'https:' || (protocol === 'http:' && loopback))
}

function parseClient(value: unknown, index: number): Client {
  const client = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  const { client_id, client_name, redirect_uris, scope, resources, first_party } = client
  const { post_logout_redirect_uris = [] } = client
  const problem = (what: string) => new TypeError(`Client ${index + 1} of CLIENTS_FILE: ${what}`)
  if (
    typeof client_id !== 'string' ||
    !/^[\w.-]+$/.test(client_id) ||
    client_id === PWA_CLIENT_ID
  ) {
    throw problem('client_id must be of letters, digits, ".", "_" and "-", and not the PWA\'s')
  }
  if (!isListOfStrings(redirect_uris) || !redirect_uris.every(isSafeRedirectUri)) {
    throw problem('redirect_uris must be absolute https addresses (http on loopback only)')
  }
  if (typeof scope !== 'string' || scope === '') throw problem('scope must name a scope')
  if (!isListOfStrings(resources)) throw problem('resources must name an audience')
  return {
    client_id,
    client_name: typeof client_name === 'string' ? client_name : client_id,
    redirect_uris,
    first_party: first_party === true,
    require_pkce: true,
    post_logout_redirect_uris: post_logout_redirect_uris as string[],
    scope: scope.split(' '),
    resources,
    refresh_delivery: 'body',
  }
}

/**
 * @param registered the parsed content of CLIENTS_FILE
 * @throws TypeError naming the first client that is malformed, and how
 */
export function createClients(issuer: string, databaseUuid: string, registered: unknown): Clients {
  if (!Array.isArray(registered)) throw new TypeError('CLIENTS_FILE must hold a JSON array.')
  const clients = new Map([[PWA_CLIENT_ID, pwa(issuer, databaseUuid)]])
  registered.map(parseClient).forEach((client) => {
    if (clients.has(client.client_id))
      throw new TypeError(`Client ${client.client_id} stands twice.`)
    clients.set(client.client_id, client)
  })
  return clients
}
