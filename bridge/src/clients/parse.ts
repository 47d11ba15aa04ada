import { Ajv, type ErrorObject } from 'ajv'
import {
  apiAudience,
  odooAudience,
  PWA_CLIENT_ID,
  SCOPE_READ,
  SCOPE_WRITE,
} from '../contract/index.ts'
import { hasOwnScheme, type Client } from '../tokens/clients.ts'
import { conflictsIn, type BridgeLimits } from './rules.ts'
import { ClientsFile, type ClientEntry } from './schema.ts'

export interface ParseOptions extends BridgeLimits {
  issuer: string
  databaseUuid: string
}

/** Names every client and member of CLIENTS_FILE that is wrong, and what it should be. */
export class ClientsError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n  '))
    this.name = 'ClientsError'
  }
}

// Nothing is filled in or dropped here: what is not understood is refused.
const ajv = new Ajv({ allErrors: true, verbose: true, strictTypes: false, strict: false })
const validate = ajv.compile<ClientEntry[]>(ClientsFile)

/** `Client 2 ("grafana")`, or by its place alone. */
function nameOf(registered: unknown, index: number): string {
  const entry: unknown = Array.isArray(registered) ? registered[index] : undefined
  const id = (entry as { client_id?: unknown } | null | undefined)?.client_id
  return `Client ${index + 1}${typeof id === 'string' ? ` (${JSON.stringify(id.slice(0, 100))})` : ''}`
}

/** What is wrong, in a sentence. Values are not quoted: one may be a secret in the wrong place. */
function explain(registered: unknown, error: ErrorObject): string {
  const [, index, ...members] = error.instancePath.split('/')
  if (index === undefined) return 'Expected a JSON array of clients.'
  const path = members.map((member, at) => (at === 0 ? member : `[${member}]`)).join('')
  const who = `${nameOf(registered, Number(index))}: `
  const params = error.params as { missingProperty?: string; additionalProperty?: string }
  const inside = path === '' ? '' : ` in ${path}`
  if (params.missingProperty !== undefined)
    return `${who}${params.missingProperty}: missing${inside}`
  if (params.additionalProperty !== undefined) {
    return `${who}${JSON.stringify(params.additionalProperty)}: no such member${inside}`
  }
  if (error.keyword === 'uniqueItems') return `${who}${path}: something stands twice`
  const { description = 'an object' } = (error.parentSchema ?? {}) as { description?: string }
  return `${who}${path === '' ? '' : `${path}: `}expected ${description}`
}

const originsOf = (uris: readonly string[]): string[] => [
  // What has a scheme of its own has no origin: browsers would call it "null", as they call many.
  ...new Set(uris.filter((uri) => !hasOwnScheme(uri)).map((uri) => new URL(uri).origin)),
]

const decodeHash = (hash: string): Buffer =>
  Buffer.from(hash, hash.length === 64 ? 'hex' : 'base64url')

function toClient(entry: ClientEntry, options: ParseOptions): Client {
  const redirect_uris = entry.redirect_uris ?? []
  const method = entry.token_endpoint_auth_method ?? 'none'
  const hash = entry.client_secret_sha256
  return {
    client_id: entry.client_id,
    client_name: entry.client_name ?? entry.client_id,
    redirect_uris,
    post_logout_redirect_uris: entry.post_logout_redirect_uris ?? [],
    backchannel_logout_uri: entry.backchannel_logout_uri,
    first_party: entry.first_party ?? false,
    grant_types: entry.grant_types ?? ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: method,
    client_secret_sha256: hash === undefined ? undefined : decodeHash(hash),
    jwks: entry.jwks,
    jwks_uri: entry.jwks_uri,
    id_token_signed_response_alg: entry.id_token_signed_response_alg,
    require_pkce: entry.require_pkce ?? true,
    scope: [...new Set(entry.scope.split(' '))],
    resources: entry.resources ?? [apiAudience(options.issuer)],
    odoo_login: entry.odoo_login,
    groups: entry.groups,
    // Who has no secret lives in a browser, most often, at the address that it returns to.
    origins: entry.origins ?? (method === 'none' ? originsOf(redirect_uris) : []),
    access_token_ttl: entry.access_token_ttl ?? options.accessTokenTtl,
    refresh_idle_ttl: entry.refresh_idle_ttl ?? options.refreshIdleTtl,
    refresh_absolute_ttl: entry.refresh_absolute_ttl ?? options.refreshAbsoluteTtl,
    refresh_delivery: 'body',
  }
}

/** The bridge's own PWA: its tokens are good at the gate, at the bridge and at Odoo. */
function pwa(options: ParseOptions): Client {
  const { issuer, databaseUuid } = options
  const entry: ClientEntry = {
    client_id: PWA_CLIENT_ID,
    client_name: 'Drawbridge',
    first_party: true,
    scope: [SCOPE_READ, SCOPE_WRITE].join(' '),
    resources: [apiAudience(issuer), issuer, odooAudience(databaseUuid)],
    origins: [issuer],
  }
  return { ...toClient(entry, options), refresh_delivery: 'cookie' }
}

/**
 * @param registered the parsed content of CLIENTS_FILE
 * @returns its clients and the PWA, by client_id
 * @throws ClientsError naming all that is wrong
 */
export function parseClients(registered: unknown, options: ParseOptions): Map<string, Client> {
  if (!validate(registered)) {
    const problems = (validate.errors ?? []).map((error) => explain(registered, error))
    throw new ClientsError([...new Set(problems)])
  }
  const problems = registered.flatMap((entry, index) => {
    const found = conflictsIn(entry, options)
    const isTaken =
      entry.client_id === PWA_CLIENT_ID ||
      registered.findIndex(({ client_id }) => client_id === entry.client_id) < index
    if (isTaken) found.push('client_id: taken by another client')
    return found.map((sentence) => `${nameOf(registered, index)}: ${sentence}`)
  })
  if (problems.length > 0) throw new ClientsError(problems)
  const clients = [pwa(options), ...registered.map((entry) => toClient(entry, options))]
  return new Map(clients.map((client) => [client.client_id, client]))
}
