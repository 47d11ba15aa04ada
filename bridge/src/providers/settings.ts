import { readFileSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

/** Labels of ASCII: mail to other names travels as these, too. */
const DOMAIN = '^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$'

/** One provider in PROVIDERS_FILE; docs/oauth-providers.md explains each member to people. */
const ProviderSettings = Type.Object(
  {
    id: Type.String({
      pattern: '^(?!odoo$)[a-z0-9-]{1,32}$',
      description: 'up to 32 of a–z, 0–9 and "-", and not "odoo"',
    }),
    name: Type.String({
      minLength: 1,
      maxLength: 64,
      pattern: '^[^\\p{Cc}\\p{Cs}]+$',
      description: 'what people know it by, up to 64 characters',
    }),
    issuer: Type.String({
      pattern: '^https?://[^/?#@\\s]+(/[^?#\\s]*)?$',
      description: 'an https address (http on loopback only), as the provider writes it',
    }),
    client_id: Type.String({ minLength: 1, description: 'as the provider gave it' }),
    client_secret_file: Type.String({
      minLength: 1,
      description: 'path of the file that holds the secret',
    }),
    scope: Type.Optional(
      Type.String({
        pattern: '^([!#-\\[\\]-~]+ )*openid( [!#-\\[\\]-~]+)*$',
        description: 'space separated, openid among it',
      }),
    ),
    match: Type.Union([Type.Literal('oauth_uid'), Type.Literal('email')], {
      description: 'oauth_uid or email',
    }),
    oauth_provider_id: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2 ** 31 - 1,
        description: "the id of Odoo's record of this provider",
      }),
    ),
    email_domains: Type.Optional(
      Type.Array(Type.String({ pattern: DOMAIN }), {
        minItems: 1,
        description: 'domains in lower case, such as "example.com"',
      }),
    ),
    mfa: Type.Optional(
      Type.Union([Type.Literal('default'), Type.Literal('skip')], {
        description: 'default or skip',
      }),
    ),
  },
  { additionalProperties: false },
)

/** What the other members ask for: each rule has one of its own. */
const RULE_MEMBERS = { oauth_uid: 'oauth_provider_id', email: 'email_domains' } as const

/** By which an account of a provider is matched to a user of Odoo. */
export type Match =
  | { by: 'oauth_uid'; oauthProviderId: number }
  /** Domains of which the provider's word counts. */
  | { by: 'email'; domains: readonly string[] }

/** A provider as it is configured. */
export interface OpenIdSettings {
  id: string
  name: string
  issuer: string
  clientId: string
  clientSecretFile: string
  scope: string
  match: Match
  /** Whether whoever comes from there needs no second factor of Odoo's. */
  skipsSecondFactor: boolean
}

const isLoopback = (hostname: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(hostname)

type Entry = Static<typeof ProviderSettings>

const expected = (name: keyof Entry): string => {
  const { description = '' } = ProviderSettings.properties[name] as { description?: string }
  return `${name}: expected ${description}`
}

/** What is wrong with one entry, member by member. */
function* problemsOf(value: unknown): Generator<string> {
  const names = new Set<string>()
  for (const { keyword, instancePath, params } of Value.Errors(ProviderSettings, value)) {
    if (keyword === 'required') {
      for (const name of params.requiredProperties) names.add(name)
    } else {
      names.add(instancePath.split('/')[1] ?? '')
    }
  }
  for (const name of names) {
    if (name in ProviderSettings.properties) yield expected(name as keyof Entry)
    else if (name !== '') yield `${name}: no such setting`
  }
  if (typeof value !== 'object' || value === null) yield 'expected a JSON object'
}

/** What no member is wrong for by itself. */
function* conflictsOf(entry: Entry): Generator<string> {
  const { protocol, hostname } = new URL(entry.issuer)
  if (protocol === 'http:' && !isLoopback(hostname)) {
    yield expected('issuer')
  }
  for (const [rule, member] of Object.entries(RULE_MEMBERS)) {
    const isThere = entry[member] !== undefined
    if (isThere && rule !== entry.match) yield `${member}: expected only with match ${rule}`
    if (!isThere && rule === entry.match) {
      yield `${expected(member)} (match ${rule})`
    }
  }
}

function parseProvider(value: unknown, index: number): OpenIdSettings {
  const malformed = [...problemsOf(value)]
  const entry = value as Entry
  const unparsable = malformed.length === 0 && !URL.canParse(entry.issuer)
  const problems = malformed.length > 0 || unparsable ? malformed : [...conflictsOf(entry)]
  if (unparsable) problems.push(expected('issuer'))
  if (problems.length > 0) {
    throw new TypeError(`Provider ${index + 1} of PROVIDERS_FILE: ${problems.join('; ')}`)
  }
  const { oauth_provider_id: oauthProviderId = 0, email_domains: domains = [] } = entry
  return {
    id: entry.id,
    name: entry.name,
    issuer: entry.issuer,
    clientId: entry.client_id,
    clientSecretFile: entry.client_secret_file,
    scope: entry.scope ?? 'openid email',
    match:
      entry.match === 'email' ? { by: 'email', domains } : { by: 'oauth_uid', oauthProviderId },
    skipsSecondFactor: entry.mfa === 'skip',
  }
}

/**
 * @param registered the parsed content of PROVIDERS_FILE
 * @throws TypeError naming the first provider that is malformed, and all that is wrong with it
 */
export function parseProviders(registered: unknown): OpenIdSettings[] {
  if (!Array.isArray(registered)) throw new TypeError('PROVIDERS_FILE must hold a JSON array.')
  const providers = registered.map(parseProvider)
  const ids = providers.map(({ id }) => id)
  const doubled = ids.find((id, index) => ids.indexOf(id) !== index)
  if (doubled !== undefined) throw new TypeError(`Provider ${doubled} stands twice.`)
  return providers
}

/** A provider with its secret. */
export interface RegisteredProvider {
  settings: OpenIdSettings
  clientSecret: string
}

/**
 * Reads PROVIDERS_FILE, and the files with the secrets that it names.
 * @throws Error saying which file, or which provider, is missing or malformed
 */
export const readProviders = (file: string): RegisteredProvider[] =>
  parseProviders(JSON.parse(readFileSync(file, 'utf8'))).map((settings) => {
    const clientSecret = readFileSync(settings.clientSecretFile, 'utf8').trim()
    if (clientSecret === '') throw new TypeError(`${settings.clientSecretFile} is empty.`)
    return { settings, clientSecret }
  })
