import { type Statement, readStatements } from './statements.ts'

/** An issuer of tokens, as `$drawbridge_issuers` declares it. */
export interface Issuer {
  /** `iss` of its tokens, exactly. */
  issuer: string
  /** Where it publishes its keys. */
  jwks: string
  /** Where it says which tokens are refused before they expire; '' for one that does not. */
  revocations: string
  /** Where it answers explicit questions; '' for one that does not. */
  validate: string
  /** What the gate shows to `revocations` and `validate`; nobody else gets to see it. */
  credential: string
}

/** What one location asks for. Times are seconds. */
export interface Settings {
  /** The text that says all this, as it came: see decide.ts. */
  exchange: string
  /** A token of any of them will do. */
  issuers: Issuer[]
  /** A token must carry one of them. */
  audience: string[]
  /** All of them are needed; none: any token of the audience will do. */
  scope: string[]
  /** One of them is needed; none: whoever the user is. */
  role: string[]
  mode: 'local' | 'introspect'
  /** How long the answer to an explicit question serves; 0: each request asks. */
  introspectCache: number
  /** How far the clocks of issuer and gate may differ. */
  leeway: number
  /** The longest `exp - iat` that is accepted. */
  maxLifetime: number
  /** How long ago a token may have been issued; 0: until it expires. */
  maxAge: number
  /** Name of the cookie that holds the token; '' for the `Authorization` header. */
  cookie: string
  /** How old a key set may become when its issuer does not answer. */
  keysMaxStale: number
  /** How old the list of revocations may become. */
  revocationsMaxStale: number
  /** What happens after that. */
  staleRevocations: 'closed' | 'open'
  realm: string
  /** Where a client without a token learns who gives one; '' says nothing. @see RFC 9728 §5.1 */
  resourceMetadata: string
  /** Whether a refusal has a JSON body. */
  refusalBody: boolean
  /** Where people sign in; the address that they wanted is put behind it. '' sends nobody there. */
  signIn: string
  /** How often an open stream's token is looked at again; 0: never. */
  watch: number
}

/** What is wrong with a location's settings, for the error log. */
export interface SettingsError {
  problem: string
}

// An issuer has neither query nor fragment: RFC 8414 §2.
const ISSUER = /^https?:\/\/[^"\\?#]+$/
const HTTP_URL = /^https?:\/\/[^"\\]+$/
// scope-token of RFC 6749 §3.3, which an audience and a role may be held to as well: all of them
// can stand between quotes as they are.
const TOKEN = /^[^"\\]+$/
const ANY_SCOPE = /^(?:\*|[^"\\]+)$/
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const SECONDS = /^\d{1,7}$/
// A path of this host or an https address, to the "=" behind which something is to stand. No dots or
// doubled slashes in the path: a browser would ask for another one than stands here.
const SIGN_IN =
  /^(?:https:\/\/[\w.-]+(?::\d+)?)?(?=\/)(?:\/(?!\.{1,2}[/?])[\w.~+@:-]+)*\/?\?(?:[\w.~+@:/%=-]+&)*[\w.~-]+=$/

// The word between what is declared for all locations and what this one says: conf/protect.conf.
const BOUNDARY = 'location'

/** How one statement is read: how many words it takes, and which words. */
interface Rule {
  most: number
  pattern: RegExp
}

const one = (pattern: RegExp): Rule => ({ most: 1, pattern })
const several = (pattern: RegExp): Rule => ({ most: 100, pattern })

// No prototype: `constructor` is no statement.
const rules = (own: Record<string, Rule>): Partial<Record<string, Rule>> =>
  Object.assign(Object.create(null) as Record<string, Rule>, own)

const ISSUER_RULES = rules({
  issuer: one(ISSUER),
  jwks: one(HTTP_URL),
  revocations: one(/^(?:off|https?:\/\/[^"\\]+)$/),
  validate: one(HTTP_URL),
  credential: one(TOKEN),
})

const LOCATION_RULES = rules({
  issuer: several(ISSUER),
  audience: several(TOKEN),
  scope: several(ANY_SCOPE),
  role: several(TOKEN),
  mode: one(/^(?:local|introspect)$/),
  introspect_cache: one(SECONDS),
  leeway: one(SECONDS),
  max_lifetime: one(SECONDS),
  max_age: one(SECONDS),
  token_cookie: one(COOKIE_NAME),
  keys_max_stale: one(SECONDS),
  revocations_max_stale: one(SECONDS),
  stale_revocations: one(/^(?:closed|open)$/),
  realm: several(TOKEN),
  resource_metadata: one(HTTP_URL),
  refusal_body: one(/^(?:json|off)$/),
  sign_in: one(SIGN_IN),
  watch: one(SECONDS),
})

/** A declared value, by the name of its statement. */
type Values = Partial<Record<string, string[]>>

const problem = (text: string): SettingsError => ({ problem: text })

/** What is wrong with a statement by the rules of its part; undefined if nothing is. */
function fault(
  statement: Statement,
  allowed: Partial<Record<string, Rule>>,
  where: string,
): SettingsError | undefined {
  const rule = allowed[statement.name]
  // A typing error must not pass as a wish that was never uttered.
  if (rule === undefined) return problem(`"${statement.name}" is not known in ${where}`)
  const count = statement.values.length
  if (count === 0) return problem(`"${statement.name}" in ${where} has no value`)
  if (count > rule.most || !statement.values.every((value) => rule.pattern.test(value))) {
    return problem(`"${statement.name}" in ${where} is malformed`)
  }
  return undefined
}

function readIssuers(statements: Statement[]): Issuer[] | SettingsError {
  const where = '$drawbridge_issuers'
  const declared: Values[] = []
  for (let i = 0; i < statements.length; i++) {
    const statement = statements[i] as Statement
    const wrong = fault(statement, ISSUER_RULES, where)
    if (wrong !== undefined) return wrong
    if (statement.name === 'issuer') declared.push(Object.create(null) as Values)
    const last = declared[declared.length - 1]
    if (last === undefined) return problem(`${where} does not begin with "issuer"`)
    if (last[statement.name] !== undefined)
      return problem(`"${statement.name}" comes twice in ${where}`)
    last[statement.name] = statement.values
  }
  const issuers: Issuer[] = []
  for (let i = 0; i < declared.length; i++) {
    const values = declared[i] as Values
    const value = (name: string): string => (values[name] ?? [''])[0] as string
    const issuer = value('issuer')
    if (issuers.some((other) => other.issuer === issuer)) {
      return problem(`"issuer ${issuer}" comes twice in ${where}`)
    }
    if (value('jwks') === '') return problem(`"jwks" is not set for ${issuer}`)
    const revocations = value('revocations')
    // Not off by default: whoever has no such list knows it, and says so.
    if (revocations === '') return problem(`"revocations" is not set for ${issuer}`)
    if (revocations !== 'off' && value('credential') === '') {
      return problem(`"credential" is not set for ${issuer}`)
    }
    issuers.push({
      issuer,
      jwks: value('jwks'),
      revocations: revocations === 'off' ? '' : revocations,
      validate: value('validate'),
      credential: value('credential'),
    })
  }
  return issuers
}

/** The issuers in the text of `$drawbridge_issuers`. */
export function issuersOf(text: string): Issuer[] | SettingsError {
  const statements = readStatements(text)
  return typeof statements === 'string' ? problem(statements) : readIssuers(statements)
}

/** The statements of one location, each at most once. */
function readLocation(statements: Statement[]): Values | SettingsError {
  const where = '$drawbridge'
  const values = Object.create(null) as Values
  for (let i = 0; i < statements.length; i++) {
    const statement = statements[i] as Statement
    const wrong = fault(statement, LOCATION_RULES, where)
    if (wrong !== undefined) return wrong
    if (values[statement.name] !== undefined) {
      return problem(`"${statement.name}" comes twice in ${where}`)
    }
    values[statement.name] = statement.values
  }
  return values
}

/** Whether settings could not be read. */
export const isSettingsError = (value: object): value is SettingsError =>
  typeof (value as Partial<SettingsError>).problem === 'string'

/** The issuers that a location takes tokens of: those it names, or the first. */
function chooseIssuers(declared: Issuer[], named: string[] | undefined): Issuer[] | SettingsError {
  if (declared.length === 0) return problem('$drawbridge_issuers is not set')
  if (named === undefined) return declared.slice(0, 1)
  const chosen: Issuer[] = []
  for (let i = 0; i < named.length; i++) {
    const issuer = declared.find((candidate) => candidate.issuer === named[i])
    if (issuer === undefined) {
      return problem(`"issuer ${named[i] as string}" is not in $drawbridge_issuers`)
    }
    chosen.push(issuer)
  }
  return chosen
}

/** What is wrong with a location that nobody set anything in. */
export const NO_SETTINGS = problem(
  'no settings: the location lacks the protect snippet, or skipped it',
)

/**
 * Reads what the protect snippet joined: the issuers, and what this location asks for. Anything unset or malformed is an error, never a default that opens.
 */
export function readSettings(text: string): Omit<Settings, 'exchange'> | SettingsError {
  const statements = readStatements(text)
  if (typeof statements === 'string') return problem(statements)
  const boundary = statements.findIndex((statement) => statement.name === BOUNDARY)
  if (boundary === -1) return problem('$drawbridge_issuers does not end with ";"')
  const declared = readIssuers(statements.slice(0, boundary))
  if (isSettingsError(declared)) return declared
  const values = readLocation(statements.slice(boundary + 1))
  if (isSettingsError(values)) return values
  const issuers = chooseIssuers(declared, values.issuer)
  if (isSettingsError(issuers)) return issuers

  const list = (name: string): string[] => values[name] ?? []
  const word = (name: string, otherwise: string): string =>
    (values[name] ?? [otherwise])[0] as string
  const seconds = (name: string, otherwise: number): number => Number(word(name, String(otherwise)))

  const scope = list('scope')
  const anyScope = scope.length === 1 && scope[0] === '*'
  if (list('audience').length === 0) return problem('"audience" is not set')
  if (scope.length === 0) return problem('"scope" is not set')
  if (!anyScope && scope.includes('*')) return problem('"scope" in $drawbridge is malformed')
  const mode = word('mode', 'local') as Settings['mode']
  const mute = issuers.find((issuer) => issuer.validate === '' || issuer.credential === '')
  if (mode === 'introspect' && mute !== undefined) {
    return problem(`"validate" or "credential" is not set for ${mute.issuer}`)
  }
  const leeway = seconds('leeway', 5)
  if (leeway > 300) return problem('"leeway" in $drawbridge is malformed')
  const introspectCache = seconds('introspect_cache', 0)
  if (introspectCache > 60) return problem('"introspect_cache" in $drawbridge is malformed')
  const maxLifetime = seconds('max_lifetime', 3600)
  if (maxLifetime === 0) return problem('"max_lifetime" in $drawbridge is malformed')
  // Whoever opens a page sends no Authorization: the next one would be refused, too.
  if (values.sign_in !== undefined && values.token_cookie === undefined) {
    return problem('"sign_in" in $drawbridge needs "token_cookie"')
  }

  return {
    issuers,
    audience: list('audience'),
    scope: anyScope ? [] : scope,
    role: list('role'),
    mode,
    introspectCache,
    leeway,
    maxLifetime,
    maxAge: seconds('max_age', 0),
    cookie: word('token_cookie', ''),
    keysMaxStale: seconds('keys_max_stale', 3600),
    revocationsMaxStale: seconds('revocations_max_stale', 60),
    staleRevocations: word('stale_revocations', 'closed') as Settings['staleRevocations'],
    realm: values.realm === undefined ? 'drawbridge' : values.realm.join(' '),
    resourceMetadata: word('resource_metadata', ''),
    refusalBody: word('refusal_body', 'json') === 'json',
    signIn: word('sign_in', ''),
    watch: seconds('watch', 0),
  }
}

/** The issuer of that name that a location takes tokens of. */
export function issuerOf(iss: string, settings: Settings): Issuer | undefined {
  const issuers = settings.issuers
  // No closure: this is asked on every request.
  for (let i = 0; i < issuers.length; i++) {
    if ((issuers[i] as Issuer).issuer === iss) return issuers[i]
  }
  return undefined
}
