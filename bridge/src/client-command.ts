/**
 * For operators: `npm run client:new -w bridge -- --name "Grafana" --redirect-uri https://…`. Prints an
 * entry for CLIENTS_FILE and what to tell the other side. It changes nothing. See docs/oauth-clients.md.
 */
import { createHash, randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ClientsError, parseClients } from './clients/parse.ts'
import type { ClientEntry } from './clients/schema.ts'
import { PATHS, SCOPE_READ } from './contract/index.ts'
import type { ClientAuthenticationMethod, GrantType, IdTokenAlgorithm } from './tokens/clients.ts'

const USAGE = `Usage:
  npm run client:new -w bridge -- --name "Grafana" --redirect-uri https://grafana.example.com/login/generic_oauth [--confidential]
  npm run client:new -w bridge -- --name "Nightly export" --odoo-login export-bot

  --issuer URL                     the bridge's ISSUER; from the environment where absent
  --name NAME                      what people read
  --id ID                          client_id; made of the name where absent
  --redirect-uri URL               once for each
  --post-logout-redirect-uri URL   once for each
  --backchannel-logout-uri URL     where it is told that its users are signed out
  --confidential                   it runs on a server and can keep a secret
  --auth-method METHOD             client_secret_basic (--confidential), client_secret_post or private_key_jwt
  --jwks-uri URL                   where its public keys are (private_key_jwt)
  --no-pkce                        old software that knows no PKCE (--confidential)
  --id-token-alg ALG               ES256 or RS256, for software that knows no other
  --odoo-login LOGIN               a machine that acts as this Odoo user (client_credentials)
  --scope SCOPES                   ${SCOPE_READ} where absent
  --resource AUDIENCE              once for each; <issuer>/api where absent
  --group EXTERNAL_ID              once for each: only members of these Odoo groups may use it
  --origin ORIGIN                  once for each: whose pages may call the bridge
  --first-party                    nobody is asked for consent`

const OPTIONS = {
  issuer: { type: 'string' },
  name: { type: 'string' },
  id: { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true },
  'post-logout-redirect-uri': { type: 'string', multiple: true },
  'backchannel-logout-uri': { type: 'string' },
  confidential: { type: 'boolean', default: false },
  'auth-method': { type: 'string' },
  'jwks-uri': { type: 'string' },
  'no-pkce': { type: 'boolean', default: false },
  'id-token-alg': { type: 'string' },
  'odoo-login': { type: 'string' },
  scope: { type: 'string', default: SCOPE_READ },
  resource: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  origin: { type: 'string', multiple: true },
  'first-party': { type: 'boolean', default: false },
} as const

/** What a person reads instead of a stack. */
class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

/** `Grafana (Berlin)` → `grafana-berlin`. */
const idOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

/** What is given, without what is not. */
const given = <Value>(name: string, value: Value | undefined) =>
  value === undefined ? {} : { [name]: value }

/** An entry and its secret, where it has one. */
function createEntry(values: ReturnType<typeof readArguments>, name: string) {
  const isMachine = values['odoo-login'] !== undefined
  const hasCode = values['redirect-uri'] !== undefined
  const method =
    values['auth-method'] ?? (values.confidential || isMachine ? 'client_secret_basic' : 'none')
  const secret = method.startsWith('client_secret_')
    ? randomBytes(32).toString('base64url')
    : undefined
  const grants: GrantType[] = [
    ...(hasCode || !isMachine ? (['authorization_code', 'refresh_token'] as const) : []),
    ...(isMachine ? (['client_credentials'] as const) : []),
  ]
  const entry = {
    client_id: values.id ?? idOf(name),
    client_name: name,
    ...given('redirect_uris', values['redirect-uri']),
    ...given('post_logout_redirect_uris', values['post-logout-redirect-uri']),
    ...given('backchannel_logout_uri', values['backchannel-logout-uri']),
    ...(isMachine ? { grant_types: grants } : {}),
    token_endpoint_auth_method: method as ClientAuthenticationMethod,
    ...given('client_secret_sha256', secret && createHash('sha256').update(secret).digest('hex')),
    ...given('jwks_uri', values['jwks-uri']),
    ...given(
      'id_token_signed_response_alg',
      values['id-token-alg'] as IdTokenAlgorithm | undefined,
    ),
    ...(values['no-pkce'] ? { require_pkce: false } : {}),
    ...(values['first-party'] ? { first_party: true } : {}),
    scope: values.scope,
    ...given('resources', values.resource),
    ...given('odoo_login', values['odoo-login']),
    ...given('groups', values.group),
    ...given('origins', values.origin),
  } satisfies ClientEntry
  return { entry, secret, method, grants }
}

function main(): void {
  const values = readArguments()
  const { name } = values
  const issuer = values.issuer ?? process.env['ISSUER']
  if (name === undefined || issuer === undefined || !/^https?:\/\/[^/?#]+$/.test(issuer)) {
    throw new UsageError(`--name and --issuer (or ISSUER) are needed.\n\n${USAGE}`)
  }
  const { entry, secret, method, grants } = createEntry(values, name)
  // As the bridge would read it; what depends on its other settings, it says itself.
  parseClients([entry], {
    issuer,
    databaseUuid: '',
    accessTokenTtl: Infinity,
    refreshIdleTtl: Infinity,
    refreshAbsoluteTtl: Infinity,
    machineClients: true,
    idTokenKey: true,
  })
  const hasCode = grants.includes('authorization_code')
  const forCode = (value: string) => (hasCode ? value : undefined)
  const settings: [string, string | undefined][] = [
    ['Issuer', issuer],
    ['Metadata', issuer + PATHS.openidConfiguration],
    ['Authorization endpoint', forCode(issuer + PATHS.authorize)],
    ['Token endpoint', issuer + PATHS.token],
    ['Userinfo endpoint', forCode(issuer + PATHS.userinfo)],
    ['Sign-out endpoint', forCode(issuer + PATHS.endSession)],
    ['Revocation endpoint', issuer + PATHS.revoke],
    ['Keys (JWKS)', issuer + PATHS.jwks],
    ['Client ID', entry.client_id],
    ['Client secret', secret && `${secret}   (shown this once: CLIENTS_FILE has its hash alone)`],
    ['Client authentication', method],
    ['PKCE', values['no-pkce'] ? undefined : forCode('S256')],
    ['ID token algorithm', values['id-token-alg']],
    ['Scope', hasCode ? `openid profile email ${entry.scope}` : entry.scope],
  ]
  console.log(`Put this into the array of CLIENTS_FILE; running bridges read it within a second:

${JSON.stringify(entry, null, 2)}

On the other side:
`)
  for (const [setting, value] of settings) {
    if (value !== undefined) console.log(`  ${`${setting}:`.padEnd(24)}${value}`)
  }
}

try {
  main()
} catch (error) {
  const known = error instanceof UsageError || error instanceof ClientsError
  console.error(known ? error.message : error)
  process.exitCode = 1
}
