import { ALGORITHMS, type Algorithm } from './algorithms.ts'
import type { PublishedKey } from './jwks.ts'
import type { Jws } from './jws.ts'

// Where the engine keeps a context, a key is imported once. Bounded by what a few issuers publish.
const MOST_KEPT = 32
let kept: Partial<Record<string, CryptoKey>> = {}
let keptCount = 0

async function imported(key: PublishedKey, algorithm: Algorithm): Promise<CryptoKey> {
  const known = kept[key.id]
  if (known !== undefined) return known
  const cryptoKey = await crypto.subtle.importKey('jwk', key.jwk, algorithm.import, false, [
    'verify',
  ])
  if (keptCount >= MOST_KEPT) {
    kept = {}
    keptCount = 0
  }
  kept[key.id] = cryptoKey
  keptCount++
  return cryptoKey
}

/**
 * Whether `key` made the signature.
 * @throws Error when the key is not one, for example a point beside its curve
 * @see RFC 7515 §5.2
 */
export async function isSignedBy(key: PublishedKey, jws: Jws): Promise<boolean> {
  const algorithm = ALGORITHMS[key.alg]
  if (jws.signature.length !== algorithm.signatureLength) return false
  const cryptoKey = await imported(key, algorithm)
  const data = Buffer.from(jws.signingInput)
  return crypto.subtle.verify(algorithm.verify, cryptoKey, jws.signature, data)
}
