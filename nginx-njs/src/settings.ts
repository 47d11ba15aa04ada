/** What one location asks for. Times are seconds. */
export interface Settings {
  issuer: string
  /** Where the issuer publishes its keys; only `introspect` does without. */
  jwksUrl: string
  /** Where the bridge answers explicit questions; only asked in `introspect`. */
  validateUrl: string
  audience: string
  /** All of them are needed; none: any token of the audience will do. */
  requiredScope: string[]
  mode: 'local' | 'introspect'
  /** How far the clocks of issuer and gate may differ. */
  leeway: number
  /** The longest `exp - iat` that is accepted. */
  maxAge: number
  realm: string
  /** Where a client without a token learns who gives one; '' says nothing. @see RFC 9728 §5.1 */
  resourceMetadata: string
  /** How old a key set may become when its issuer does not answer. */
  keysMaxStale: number
}

/** What is wrong with a location's settings, for the error log. */
export interface SettingsError {
  problem: string
}

// The lines of $drawbridge_location, in this order: see conf/protect.conf.
const NAMES = [
  'audience',
  'required_scope',
  'mode',
  'leeway',
  'max_age',
  'realm',
  'resource_metadata',
  'issuer',
  'jwks_url',
  'validate_url',
  'default_issuer',
  'default_jwks_url',
  'default_validate_url',
  'keys_max_stale',
] as const

type Name = (typeof NAMES)[number]

// An issuer has neither query nor fragment: RFC 8414 §2.
const ISSUER = /^https?:\/\/[^\s"\\?#]+$/
const HTTP_URL = /^https?:\/\/[\x21\x23-\x5b\x5d-\x7e]+$/
const AUDIENCE = /^[\x21\x23-\x5b\x5d-\x7e]+$/
// scope-token of RFC 6749 §3.3: it can stand between quotes as it is.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/
// No quote and no backslash: it can stand between quotes as it is.
const REALM = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/
const SECONDS = /^\d{1,7}$/

const ANY_SCOPE = '*'

function readLines(location: string): Record<Name, string> | undefined {
  const lines = location.split('\n')
  if (lines.length !== NAMES.length) return undefined
  const values: Partial<Record<Name, string>> = {}
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i] as Name
    const line = lines[i] as string
    if (!line.startsWith(`${name}=`)) return undefined
    values[name] = line.slice(name.length + 1)
  }
  return values as Record<Name, string>
}

/**
 * Reads what the protect snippet joined into `$drawbridge_location`.
 * Anything unset or malformed is an error, never a default that opens.
 */
export function readSettings(location: string): Settings | SettingsError {
  if (location === '') {
    return { problem: 'no settings: the location lacks the protect snippet, or skipped it' }
  }
  const values = readLines(location)
  if (values === undefined) {
    return { problem: '$drawbridge_location is not what this version of the snippet makes of it' }
  }

  // An issuer goes with its own addresses: mixed with the defaults, tokens of one would be
  // checked against the keys of the other.
  const own = values.issuer !== '' || values.jwks_url !== '' || values.validate_url !== ''
  const prefix = own ? '$drawbridge_' : '$drawbridge_default_'
  const issuer = own ? values.issuer : values.default_issuer
  const jwksUrl = own ? values.jwks_url : values.default_jwks_url
  const validateUrl = own ? values.validate_url : values.default_validate_url

  const mode = values.mode === '' ? 'local' : values.mode
  const leeway = values.leeway === '' ? '5' : values.leeway
  const maxAge = values.max_age === '' ? '3600' : values.max_age
  const realm = values.realm === '' ? 'drawbridge' : values.realm
  const scope = values.required_scope
  const resourceMetadata = values.resource_metadata

  const wrong = (name: string, value: string): SettingsError => ({
    problem: value === '' ? `${name} is not set` : `${name} is malformed`,
  })
  if (mode !== 'local' && mode !== 'introspect') return wrong('$drawbridge_mode', mode)
  if (!ISSUER.test(issuer)) return wrong(`${prefix}issuer`, issuer)
  if (mode === 'local' && !HTTP_URL.test(jwksUrl)) return wrong(`${prefix}jwks_url`, jwksUrl)
  if (mode === 'introspect' && !HTTP_URL.test(validateUrl)) {
    return wrong(`${prefix}validate_url`, validateUrl)
  }
  if (!AUDIENCE.test(values.audience)) return wrong('$drawbridge_audience', values.audience)
  if (!SCOPE.test(scope)) return wrong('$drawbridge_required_scope', scope)
  if (!SECONDS.test(leeway) || Number(leeway) > 300) return wrong('$drawbridge_leeway', leeway)
  if (!SECONDS.test(maxAge) || Number(maxAge) === 0) return wrong('$drawbridge_max_age', maxAge)
  if (!REALM.test(realm)) return wrong('$drawbridge_realm', realm)
  if (resourceMetadata !== '' && !HTTP_URL.test(resourceMetadata)) {
    return wrong('$drawbridge_resource_metadata', resourceMetadata)
  }
  if (!SECONDS.test(values.keys_max_stale)) {
    return wrong('$drawbridge_keys_max_stale', values.keys_max_stale)
  }

  return {
    issuer,
    jwksUrl,
    validateUrl,
    audience: values.audience,
    requiredScope: scope === ANY_SCOPE ? [] : scope.split(' '),
    mode,
    leeway: Number(leeway),
    maxAge: Number(maxAge),
    realm,
    resourceMetadata,
    keysMaxStale: Number(values.keys_max_stale),
  }
}

// Where the engine keeps a context, a location's settings are read once. Bounded, because a
// setting may hold a variable that differs from request to request.
const MOST_KEPT = 64
type Kept = Partial<Record<string, Settings | SettingsError>>
// No prototype: no text may find there what nobody kept.
const nothingKept = (): Kept => Object.create(null) as Kept
let kept = nothingKept()
let keptCount = 0

/** As {@link readSettings}, remembered. */
export function settingsOf(location: string): Settings | SettingsError {
  const known = kept[location]
  if (known !== undefined) return known
  if (keptCount >= MOST_KEPT) {
    kept = nothingKept()
    keptCount = 0
  }
  const settings = readSettings(location)
  kept[location] = settings
  keptCount++
  return settings
}
