import { createHash, type KeyObject } from 'node:crypto'
import type { PublicJwk } from './port.ts'

/** A name that everybody derives alike. @param members in lexicographic order. @see RFC 7638 §3 */
const thumbprint = (members: Record<string, string>): string =>
  createHash('sha256').update(JSON.stringify(members)).digest('base64url')

const MINIMUM_RSA_BITS = 2048

/**
 * What is published of a key. The kind of the key decides the algorithm.
 * @param key its public half counts
 * @throws TypeError unless it is on P-256, or RSA of 2048 bits or more
 */
export function publicJwk(key: KeyObject): PublicJwk {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' })
  if (kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined) {
    return { kty, crv, x, y, kid: thumbprint({ crv, kty, x, y }), alg: 'ES256', use: 'sig' }
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (kty === 'RSA' && bits >= MINIMUM_RSA_BITS && n !== undefined && e !== undefined) {
    return { kty, n, e, kid: thumbprint({ e, kty, n }), alg: 'RS256', use: 'sig' }
  }
  throw new TypeError('The signing key must be of type ecdsa-p256, rsa-2048, rsa-3072 or rsa-4096.')
}
