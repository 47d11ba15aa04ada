import { envSchema } from 'env-schema'
import { Type, type Static } from 'typebox'

const seconds = (fallback: number, description: string) =>
  Type.Integer({ minimum: 1, default: fallback, description: `${description}, in seconds` })

/** Every setting, with its default and meaning; docs/configuration.md lists them for people. */
export const schema = Type.Object({
  ISSUER: Type.String({
    pattern: '^https?://[^/?#]+$',
    description: 'public address of the gate, without a slash at the end: https://id.example.com',
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'address to listen on' }),
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'port to listen on',
  }),
  TRUST_PROXY: Type.String({
    default: '127.0.0.1,::1',
    description: 'addresses of the gate, comma separated: only they may name the client address',
  }),
  LOG_LEVEL: Type.String({
    default: 'info',
    pattern: '^(fatal|error|warn|info|debug|trace|silent)$',
    description: 'fatal, error, warn, info, debug, trace or silent',
  }),

  ODOO_ADAPTER: Type.Union([Type.Literal('stock'), Type.Literal('addon')], {
    default: 'stock',
    description: 'stock (an Odoo as it comes) or addon (an Odoo that is paired with this bridge)',
  }),
  ODOO_URL: Type.String({
    pattern: '^https?://[^/?#]+$',
    description: 'where the bridge reaches Odoo: http://odoo:8069',
  }),
  ODOO_DATABASE: Type.String({ minLength: 1, description: "name of Odoo's database" }),
  ODOO_DATABASE_UUID: Type.String({
    minLength: 1,
    description: "Odoo's system parameter database.uuid: names the audience odoo:<uuid>",
  }),
  ODOO_PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#]+[^/?#]$',
      description:
        "where browsers reach Odoo's own pages; with ODOO_ADAPTER=addon, people may continue from there",
    }),
  ),
  ODOO_SINGLE_LOGOUT: Type.Union(
    [
      Type.Literal('both'),
      Type.Literal('from_odoo'),
      Type.Literal('to_odoo'),
      Type.Literal('none'),
    ],
    {
      default: 'both',
      description:
        'both, from_odoo, to_odoo or none: which sign-out ends the other, in a browser that continued from Odoo',
    },
  ),
  ODOO_TIMEOUT: seconds(10, 'how long Odoo may take to answer'),
  ODOO_CONNECTIONS: Type.Integer({
    minimum: 1,
    default: 16,
    description:
      'how many calls Odoo has to bear at once: the number of its workers, or twice that',
  }),
  ODOO_RECHECK_INTERVAL: seconds(300, 'a refresh asks Odoo about its user at most so often'),
  ODOO_RECONCILE_INTERVAL: seconds(
    60,
    'the stamps of all who are signed in are compared so often (ODOO_ADAPTER=addon)',
  ),
  ODOO_OUTAGE_TOLERANCE: seconds(3600, 'refreshes go on for so long after Odoo answered last'),
  ROLE_MAP: Type.String({
    default:
      '{"base.group_system":"admin","base.group_user":"internal","base.group_portal":"portal"}',
    description: 'JSON object: external id of an Odoo group → role',
  }),

  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description:
        'PostgreSQL for the sessions; without it SQLite is used, which serves one bridge only',
    }),
  ),
  SQLITE_FILE: Type.String({
    default: 'drawbridge.sqlite',
    description: 'file for the sessions where DATABASE_URL is not set',
  }),

  KEY_CUSTODY: Type.Union([Type.Literal('fetched'), Type.Literal('remote'), Type.Literal('file')], {
    default: 'fetched',
    description: 'fetched (from Vault, held in memory for a bounded time), remote or file',
  }),
  KEY_FILE: Type.Optional(
    Type.String({ description: 'with KEY_CUSTODY=file: the keys on disk, made when missing' }),
  ),
  KEY_FILE_ALGORITHM: Type.Union([Type.Literal('ES256'), Type.Literal('RS256')], {
    default: 'ES256',
    description: 'ES256 or RS256: for the signing key that KEY_FILE is made with',
  }),
  ID_TOKEN_KEY_FILE: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'with KEY_CUSTODY=file: another file than KEY_FILE, for the RSA key of RS256 ID tokens, made when missing',
    }),
  ),
  VAULT_ADDR: Type.Optional(
    Type.String({ pattern: '^https?://', description: 'address of Vault' }),
  ),
  VAULT_ROLE_ID: Type.Optional(Type.String({ minLength: 1, description: 'AppRole role id' })),
  VAULT_SECRET_ID_FILE: Type.Optional(
    Type.String({ minLength: 1, description: 'file that holds the AppRole secret id' }),
  ),
  VAULT_TRANSIT_MOUNT: Type.String({
    default: 'transit',
    description: 'mount of the transit engine',
  }),
  VAULT_TRANSIT_KEY: Type.String({ default: 'drawbridge', description: 'name of the transit key' }),
  VAULT_TRANSIT_ID_TOKEN_KEY: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'name of another transit key than VAULT_TRANSIT_KEY: the RSA key of RS256 ID tokens',
    }),
  ),
  VAULT_KV_MOUNT: Type.String({
    default: 'secret',
    description: 'mount of the KV version 2 engine',
  }),
  VAULT_KV_PATH: Type.String({
    default: 'drawbridge',
    description: "path of the bridge's own keys: {current, keys: {name: base64}}",
  }),
  KEY_POLL_INTERVAL: seconds(60, 'how often Vault is asked for new keys'),
  KEY_MAX_AGE: seconds(3600, 'how long fetched keys serve when Vault is gone'),
  JWKS_MAX_AGE: seconds(300, 'how long others may cache the public keys'),

  ACCESS_TOKEN_TTL: seconds(600, 'life of an access token'),
  REFRESH_IDLE_TTL: seconds(6 * 86400, 'a session ends when it is not used for so long'),
  REFRESH_ABSOLUTE_TTL: seconds(180 * 86400, 'a session ends after so long in any case'),
  REFRESH_GRACE: seconds(30, 'a refresh repeated within this time gets the same answer'),

  SESSION_RETENTION: seconds(30 * 86400, 'how long a session that is over stays on record'),

  SIGN_IN_FLOOR: Type.Number({
    exclusiveMinimum: 0,
    maximum: 10,
    default: 1,
    description: 'a failed sign-in is answered after a multiple of so many seconds',
  }),
  SIGN_IN_FAILURES_PER_ADDRESS: Type.Integer({
    minimum: 1,
    default: 8,
    description: 'failed sign-ins of all logins together from one address in ten minutes',
  }),
  DOCUMENTATION: Type.Boolean({
    default: false,
    description: 'true to serve the OpenAPI page at /documentation',
  }),
  DEMO_MODE: Type.Boolean({
    default: false,
    description: 'true to tell with each answer how long its steps took; not for production',
  }),

  GATE_CREDENTIAL_FILE: Type.String({
    minLength: 1,
    description: 'file that holds the secret shared with the gate, 32 characters or more',
  }),
  PROVIDERS_FILE: Type.Optional(
    Type.String({
      description:
        'JSON file with other OpenID providers that people may sign in at (ODOO_ADAPTER=addon)',
    }),
  ),
  CLIENTS_FILE: Type.Optional(
    Type.String({ description: 'JSON file with the registered OAuth clients' }),
  ),
})

type Environment = Static<typeof schema>

/** The bridge's settings. Every time is in seconds. */
export type Config = Omit<Environment, 'ROLE_MAP' | 'TRUST_PROXY'> & {
  ROLE_MAP: Record<string, string>
  TRUST_PROXY: string[]
}

/** Names every wrong variable at once, and what it should be. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

interface AjvError {
  instancePath: string
  params: Record<string, unknown>
}

const explain = (name: string): string => {
  const property = schema.properties[name as keyof Environment] as { description?: string }
  return `${name}: expected ${property.description ?? 'another value'}`
}

function parseRoleMap(text: string): Record<string, string> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new ConfigError([explain('ROLE_MAP')])
  }
  const wellFormed =
    typeof parsed === 'object' &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    // A role becomes a word of a space separated header, so it may hold no space.
    Object.values(parsed).every((role) => typeof role === 'string' && /^[\w.:-]+$/.test(role))
  if (!wellFormed) throw new ConfigError([explain('ROLE_MAP')])
  return parsed as Record<string, string>
}

/** Seconds: a stock Odoo forgets a session that was not used for seven days. */
const STOCK_IDLE_TTL = 6 * 86400

/** What is right by itself, but not beside another setting. */
function conflicts(environment: Environment): string[] {
  const { ODOO_ADAPTER, PROVIDERS_FILE, REFRESH_IDLE_TTL } = environment
  const { VAULT_TRANSIT_ID_TOKEN_KEY, VAULT_TRANSIT_KEY, ID_TOKEN_KEY_FILE, KEY_FILE } = environment
  // One key for both would be published as one that access tokens must not be signed with.
  const shared = [
    ...(VAULT_TRANSIT_ID_TOKEN_KEY === VAULT_TRANSIT_KEY
      ? [explain('VAULT_TRANSIT_ID_TOKEN_KEY')]
      : []),
    ...(ID_TOKEN_KEY_FILE !== undefined && ID_TOKEN_KEY_FILE === KEY_FILE
      ? [explain('ID_TOKEN_KEY_FILE')]
      : []),
  ]
  if (ODOO_ADAPTER !== 'stock') return shared
  return [
    ...shared,
    ...(REFRESH_IDLE_TTL > STOCK_IDLE_TTL
      ? [`REFRESH_IDLE_TTL: expected ${STOCK_IDLE_TTL} seconds or less (ODOO_ADAPTER=stock)`]
      : []),
    ...(PROVIDERS_FILE === undefined
      ? []
      : ['PROVIDERS_FILE: expected only with ODOO_ADAPTER=addon: it takes the addon']),
  ]
}

/** What a setting asks of others. */
function missing(environment: Environment): string[] {
  const needed: (keyof Environment)[] =
    environment.KEY_CUSTODY === 'file'
      ? ['KEY_FILE']
      : ['VAULT_ADDR', 'VAULT_ROLE_ID', 'VAULT_SECRET_ID_FILE']
  return needed.filter((name) => environment[name] === undefined)
}

/**
 * Reads the settings from the environment.
 * @throws ConfigError naming all that is missing or malformed
 */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  let parsed: Environment
  try {
    parsed = envSchema<Environment>({ schema, data: { ...environment }, env: false })
  } catch (error) {
    const errors = (error as { errors?: AjvError[] }).errors ?? []
    const names = errors.map(({ instancePath, params }) =>
      typeof params['missingProperty'] === 'string'
        ? params['missingProperty']
        : instancePath.slice(1),
    )
    throw new ConfigError([...new Set(names)].map(explain))
  }
  const absent = missing(parsed).map(
    (name) => `${explain(name)} (KEY_CUSTODY=${parsed.KEY_CUSTODY})`,
  )
  const problems = [...absent, ...conflicts(parsed)]
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    ...parsed,
    ROLE_MAP: parseRoleMap(parsed.ROLE_MAP),
    TRUST_PROXY: parsed.TRUST_PROXY.split(',').map((address) => address.trim()),
  }
}
