import { OPENID_SCOPES, type ErrorCode } from '../contract/index.ts'
import { matchesRedirectUri, type Client, type Clients } from '../tokens/clients.ts'
import { withParameters } from './with-parameters.ts'

/** Query parameters as they came; a parameter that stands twice is an array. */
export type Parameters = Readonly<Record<string, unknown>>

/**
 * An authorization request that may be answered.
 * @see RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2.1
 */
export interface AuthorizationRequest {
  client: Client
  redirectUri: string
  state: string | undefined
  /** Empty where the client is excused from PKCE, and used none. @see RFC 7636 §4.3 */
  codeChallenge: string
  scope: string[]
  audience: string
  /** Comes back in the ID token. */
  nonce: string | null
  prompt: ReadonlySet<Prompt>
  /** Seconds since the user signed in, at most. */
  maxAge: number | undefined
  /** Who is expected, in their own words. */
  loginHint: string
  /** Who is expected, in an ID token of before. */
  idTokenHint: string | undefined
  /** Languages to ask the user in, the best one first. */
  uiLocales: string[]
  /** The `claims` parameter, as JSON. */
  claims: string | null
}

/** What the user is to be asked for. `none`: nothing. */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account'
const PROMPTS: readonly string[] = ['none', 'login', 'consent', 'select_account'] satisfies Prompt[]

export type ParsedAuthorizationRequest =
  | { kind: 'valid'; request: AuthorizationRequest }
  /** Told to the client, at an address that is known to be its own. @see RFC 6749 §4.1.2.1 */
  | { kind: 'refused'; redirectUri: string; state: string | undefined; error: ErrorCode }
  /** Told to the person alone: nobody may be sent to an address that was not registered. */
  | { kind: 'untrusted'; problem: 'client' | 'redirect_uri' }

/** 43 characters are the base64url of a SHA-256. */
const S256_CHALLENGE = /^[\w-]{43}$/

/** Each may stand once. `resource` too: a token of this bridge has one audience. */
const SINGLE_PARAMETERS = [
  'response_type',
  'response_mode',
  'state',
  'scope',
  'resource',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'prompt',
  'max_age',
  'login_hint',
  'id_token_hint',
  'acr_values',
  'ui_locales',
  'claims',
]

/** What is understood, and not offered. @see OpenID Connect Core 1.0 §3.1.2.6 */
const NOT_SUPPORTED: [string, ErrorCode][] = [
  ['request', 'request_not_supported'],
  ['request_uri', 'request_uri_not_supported'],
  ['registration', 'registration_not_supported'],
]

/** Characters of a nonce: it is stored. */
const LONGEST_NONCE = 512

const isText = (value: unknown, longest: number): boolean =>
  value === undefined || (typeof value === 'string' && value.length <= longest)

/** Words of a parameter. */
const words = (value: unknown): string[] =>
  typeof value === 'string' ? [...new Set(value.split(' ').filter((word) => word !== ''))] : []

function isPkce(parameters: Parameters, client: Client): boolean {
  const { code_challenge, code_challenge_method } = parameters
  if (code_challenge === undefined && code_challenge_method === undefined) {
    return !client.require_pkce
  }
  // `plain` is what an absent method means, and it protects nobody.
  return (
    code_challenge_method === 'S256' &&
    typeof code_challenge === 'string' &&
    S256_CHALLENGE.test(code_challenge)
  )
}

function isPrompt(value: unknown): boolean {
  const prompts = words(value)
  if (!prompts.every((prompt) => PROMPTS.includes(prompt))) return false
  return !prompts.includes('none') || prompts.length === 1
}

/** An object of `userinfo` and `id_token`, as far as that matters here. */
function isClaims(value: unknown): boolean {
  if (value === undefined) return true
  if (!isText(value, 4096)) return false
  try {
    const parsed: unknown = JSON.parse(value as string)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch {
    return false
  }
}

function checkParameters(parameters: Parameters, client: Client): ErrorCode | undefined {
  if (SINGLE_PARAMETERS.some((name) => Array.isArray(parameters[name]))) return 'invalid_request'
  const unsupported = NOT_SUPPORTED.find(([name]) => parameters[name] !== undefined)
  if (unsupported) return unsupported[1]
  const { response_type, response_mode = 'query', scope, resource } = parameters
  if (response_type === undefined) return 'invalid_request'
  if (response_type !== 'code') return 'unsupported_response_type'
  const { prompt, max_age = '0', nonce, login_hint, claims } = parameters
  const wellFormed =
    response_mode === 'query' &&
    isPkce(parameters, client) &&
    isPrompt(prompt) &&
    /^\d{1,9}$/.test(max_age as string) &&
    isText(nonce, LONGEST_NONCE) &&
    isText(login_hint, 200) &&
    isClaims(claims)
  if (!wellFormed) return 'invalid_request'
  const offered: readonly string[] = [...client.scope, ...OPENID_SCOPES]
  if (!requestedScope(scope, client).every((word) => offered.includes(word))) {
    return 'invalid_scope'
  }
  if (resource !== undefined && !client.resources.includes(resource as string)) {
    return 'invalid_target'
  }
  return undefined
}

/** Without a scope the client gets all that it is registered for. @see RFC 6749 §3.3 */
const requestedScope = (scope: unknown, client: Client): string[] =>
  typeof scope === 'string' && scope !== '' ? words(scope) : client.scope

/** Reads and checks the query of `/oauth/authorize`. */
export function parseAuthorizationRequest(
  parameters: Parameters,
  clients: Clients,
): ParsedAuthorizationRequest {
  const { client_id, redirect_uri, code_challenge, resource, max_age } = parameters
  const client = typeof client_id === 'string' ? clients.get(client_id) : undefined
  if (!client) return { kind: 'untrusted', problem: 'client' }
  if (typeof redirect_uri !== 'string' || !matchesRedirectUri(client, redirect_uri)) {
    return { kind: 'untrusted', problem: 'redirect_uri' }
  }
  const state = typeof parameters['state'] === 'string' ? parameters['state'] : undefined
  const error = checkParameters(parameters, client)
  if (error) return { kind: 'refused', redirectUri: redirect_uri, state, error }
  return {
    kind: 'valid',
    request: {
      client,
      redirectUri: redirect_uri,
      state,
      codeChallenge: (code_challenge as string | undefined) ?? '',
      scope: requestedScope(parameters['scope'], client),
      audience: (resource as string | undefined) ?? (client.resources[0] as string),
      nonce: (parameters['nonce'] as string | undefined) ?? null,
      prompt: new Set(words(parameters['prompt']) as Prompt[]),
      maxAge: max_age === undefined ? undefined : Number(max_age),
      loginHint: (parameters['login_hint'] as string | undefined) ?? '',
      idTokenHint: parameters['id_token_hint'] as string | undefined,
      uiLocales: words(parameters['ui_locales']),
      claims: (parameters['claims'] as string | undefined) ?? null,
    },
  }
}

/** The address that carries an answer back to the client. `iss` says who answers. @see RFC 9207 §2 */
export function authorizationResponse(
  redirectUri: string,
  issuer: string,
  parameters: {
    code?: string
    error?: string
    error_description?: string
    state: string | undefined
  },
): string {
  return withParameters(redirectUri, { ...parameters, iss: issuer })
}
