import type { ErrorCode } from '../contract/index.ts'
import type { Client, Clients } from '../tokens/clients.ts'

/** Query parameters as they came; a parameter that stands twice is an array. */
export type Parameters = Readonly<Record<string, unknown>>

/** An authorization request that may be answered. @see RFC 6749 §4.1.1 */
export interface AuthorizationRequest {
  client: Client
  redirectUri: string
  state: string | undefined
  /** @see RFC 7636 §4.3 */
  codeChallenge: string
  scope: string[]
  audience: string
}

export type ParsedAuthorizationRequest =
  | { kind: 'valid'; request: AuthorizationRequest }
  /** Told to the client, at an address that is known to be its own. @see RFC 6749 §4.1.2.1 */
  | { kind: 'refused'; redirectUri: string; state: string | undefined; error: ErrorCode }
  /** Told to the person alone: nobody may be sent to an address that was not registered. */
  | { kind: 'untrusted'; problem: string }

/** 43 characters are the base64url of a SHA-256. */
const S256_CHALLENGE = /^[\w-]{43}$/

const SINGLE_PARAMETERS = [
  'response_type',
  'state',
  'scope',
  'resource',
  'code_challenge',
  'code_challenge_method',
]

function checkParameters(parameters: Parameters, client: Client): ErrorCode | undefined {
  if (SINGLE_PARAMETERS.some((name) => Array.isArray(parameters[name]))) return 'invalid_request'
  const { response_type, scope, resource, code_challenge, code_challenge_method } = parameters
  if (response_type !== 'code') return 'unsupported_response_type'
  // `plain` is what an absent method means, and it protects nobody.
  if (code_challenge_method !== 'S256') return 'invalid_request'
  if (typeof code_challenge !== 'string' || !S256_CHALLENGE.test(code_challenge)) {
    return 'invalid_request'
  }
  if (!requestedScope(scope, client).every((word) => client.scope.includes(word))) {
    return 'invalid_scope'
  }
  if (resource !== undefined && !client.resources.includes(resource as string)) {
    return 'invalid_target'
  }
  return undefined
}

/** Without a scope the client gets all that it is registered for. @see RFC 6749 §3.3 */
const requestedScope = (scope: unknown, client: Client): string[] =>
  typeof scope === 'string' && scope !== '' ? [...new Set(scope.split(' '))] : client.scope

/** Reads and checks the query of `/oauth/authorize`. */
export function parseAuthorizationRequest(
  parameters: Parameters,
  clients: Clients,
): ParsedAuthorizationRequest {
  const { client_id, redirect_uri, code_challenge, resource } = parameters
  const client = typeof client_id === 'string' ? clients.get(client_id) : undefined
  if (!client)
    return { kind: 'untrusted', problem: 'The app that sent you here is not registered.' }
  // Compared as strings, not as addresses: nothing is to be gained by being lenient. @see RFC 9700 §2.1
  if (typeof redirect_uri !== 'string' || !client.redirect_uris.includes(redirect_uri)) {
    return { kind: 'untrusted', problem: `The return address is not registered for this app.` }
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
      codeChallenge: code_challenge as string,
      scope: requestedScope(parameters['scope'], client),
      audience: (resource as string | undefined) ?? (client.resources[0] as string),
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
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries({ ...parameters, iss: issuer })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
