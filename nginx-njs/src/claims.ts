import type { AccessTokenClaims } from '@drawbridge/bridge/contract'
import type { JsonObject } from './json.ts'

/** The claims that the gate decides by or passes on, each of the shape that it must have. */
export type GateClaims = Pick<
  AccessTokenClaims,
  'iss' | 'sub' | 'sid' | 'client_id' | 'scope' | 'exp' | 'iat' | 'roles'
> & { aud: string[]; nbf?: number }

// These become headers towards the upstream: a line break would begin another header, and a space
// in a role would make two of it.
const PRINTABLE = /^[\x20-\x7e]+$/
const PRINTABLE_OR_EMPTY = /^[\x20-\x7e]*$/
const WORD = /^[\x21-\x7e]+$/

const isText = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value)

const isTime = (value: unknown): value is number => typeof value === 'number' && isFinite(value)

const isListOf = (value: unknown, pattern: RegExp): value is string[] =>
  Array.isArray(value) && value.every((item) => isText(item, pattern))

/**
 * Reads the claims of an access token. What they say is checked elsewhere, their shape here.
 * @returns undefined when a claim is missing or not of its shape
 * @see RFC 9068 §2.2
 */
export function readClaims(payload: JsonObject): GateClaims | undefined {
  const aud = typeof payload.aud === 'string' ? [payload.aud] : payload.aud
  const roles = payload.roles ?? []
  if (!isText(payload.iss, PRINTABLE)) return undefined
  if (!isListOf(aud, PRINTABLE)) return undefined
  if (!isText(payload.sub, PRINTABLE)) return undefined
  if (!isText(payload.sid, PRINTABLE)) return undefined
  if (!isText(payload.client_id, PRINTABLE)) return undefined
  if (!isText(payload.scope, PRINTABLE_OR_EMPTY)) return undefined
  if (!isTime(payload.exp) || !isTime(payload.iat)) return undefined
  if (!isListOf(roles, WORD)) return undefined

  const claims: GateClaims = {
    iss: payload.iss,
    aud,
    sub: payload.sub,
    sid: payload.sid,
    client_id: payload.client_id,
    scope: payload.scope,
    exp: payload.exp,
    iat: payload.iat,
    roles,
  }
  if (payload.nbf !== undefined) {
    if (!isTime(payload.nbf)) return undefined
    claims.nbf = payload.nbf
  }
  return claims
}
