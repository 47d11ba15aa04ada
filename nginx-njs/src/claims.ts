import type { AccessTokenClaims } from '@drawbridge/bridge/contract'
import type { JsonObject } from './json.ts'

/** The claims that the gate decides by or passes on, each of the shape that it must have. */
export type GateClaims = Pick<
  AccessTokenClaims,
  'iss' | 'sub' | 'sid' | 'client_id' | 'scope' | 'exp' | 'iat' | 'roles'
> & { aud: string[]; nbf?: number }

// They become headers towards the upstream: a line break would begin another header.
const PRINTABLE = /^[\x20-\x7e]+$/
// A space in a role would make two of it.
const WORD = /^[\x21-\x7e]+$/

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const isTime = (value: unknown): value is number => typeof value === 'number' && isFinite(value)

const isListOfText = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText)

/**
 * Reads the claims of an access token. What they say is checked elsewhere, their shape here.
 * @returns undefined when a claim is missing or not of its shape
 * @see RFC 9068 §2.2
 */
export function readClaims(payload: JsonObject): GateClaims | undefined {
  const iss = payload.iss
  const aud = typeof payload.aud === 'string' ? [payload.aud] : payload.aud
  const sub = payload.sub
  const sid = payload.sid
  const client_id = payload.client_id
  const scope = payload.scope
  const roles = payload.roles ?? []
  if (!isText(iss) || !isText(sub) || !isText(sid) || !isText(client_id)) return undefined
  if (typeof scope !== 'string' || !isListOfText(aud)) return undefined
  // In one go: a regular expression costs more to start than to run.
  if (!PRINTABLE.test(iss + sub + sid + client_id + scope + aud.join(''))) return undefined
  if (!isListOfText(roles)) return undefined
  if (roles.length > 0 && !WORD.test(roles.join(''))) return undefined
  if (!isTime(payload.exp) || !isTime(payload.iat)) return undefined

  const exp = payload.exp
  const iat = payload.iat
  const claims: GateClaims = { iss, aud, sub, sid, client_id, scope, exp, iat, roles }
  if (payload.nbf !== undefined) {
    if (!isTime(payload.nbf)) return undefined
    claims.nbf = payload.nbf
  }
  return claims
}
