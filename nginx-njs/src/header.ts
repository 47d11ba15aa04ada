import { ACCESS_TOKEN_TYP } from '@drawbridge/bridge/contract'
import type { JsonObject } from './json.ts'

/** What the header of an access token says about its signature. */
export interface TokenHeader {
  alg: string
  kid: string
}

/**
 * Reads the header of an access token.
 * `crit` and `b64` change what a signature is over; nothing that this gate could understand.
 * @see RFC 9068 §4, RFC 7515 §4.1.11, RFC 7797 §3
 */
export function readHeader(header: JsonObject): TokenHeader | 'malformed' | 'wrong_type' {
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase() : ''
  if (typ !== ACCESS_TOKEN_TYP && typ !== `application/${ACCESS_TOKEN_TYP}`) return 'wrong_type'
  if (header.crit !== undefined || header.b64 !== undefined) return 'malformed'
  if (typeof header.alg !== 'string') return 'malformed'
  if (typeof header.kid !== 'string' || header.kid === '') return 'malformed'
  return { alg: header.alg, kid: header.kid }
}
