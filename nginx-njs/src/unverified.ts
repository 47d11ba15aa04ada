import { type GateClaims, readClaims } from './claims.ts'
import { readHeader } from './header.ts'
import { type Jws, parseJws } from './jws.ts'
import type { RefusalReason } from './refusals.ts'
import { type Issuer, type Settings, issuerOf } from './settings.ts'

/** An access token that is spelt right. Nothing in it is verified, nobody may act on it. */
export interface Unverified {
  jws: Jws
  alg: string
  kid: string
  claims: GateClaims
  /** Whose it says it is: it only chooses by whose keys it is verified, or who is asked. */
  issuer: Issuer
}

/**
 * Takes an access token apart.
 * @returns why it is none that the location could take
 * @see RFC 9068 §4
 */
export function readToken(token: string, settings: Settings): Unverified | RefusalReason {
  const jws = parseJws(token)
  if (jws === undefined) return 'malformed'
  const header = readHeader(jws.header)
  if (typeof header === 'string') return header
  const claims = readClaims(jws.payload)
  if (claims === undefined) return 'malformed'
  const issuer = issuerOf(claims.iss, settings)
  if (issuer === undefined) return 'wrong_issuer'
  return { jws, alg: header.alg, kid: header.kid, claims, issuer }
}
