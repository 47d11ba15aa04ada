import { type AlgorithmName, type PublicJwk, algorithmOf } from './algorithms.ts'
import { sha256 } from './digest.ts'
import { type JsonObject, jsonObject } from './json.ts'

/** A key that an issuer publishes and that this gate can verify with. */
export interface PublishedKey {
  kid: string
  alg: AlgorithmName
  jwk: PublicJwk
  /** Names source, `kid` and key material together, so that none of them can change unseen. */
  id: string
}

const keyId = (url: string, kid: string, alg: string, jwk: PublicJwk): string =>
  sha256(JSON.stringify([url, kid, alg, jwk])).slice(0, 22)

/**
 * Reads a JWK set. Keys that `algorithmOf` refuses and keys without `kid` are left out: they are no
 * fault. What is left may still be more than this build of njs can import: see `usableKeys`.
 * @param url where it came from
 * @returns undefined when it is not a JWK set
 * @see RFC 7517 §5
 */
export function readJwks(url: string, text: string): PublishedKey[] | undefined {
  const jwks = jsonObject(text)
  if (jwks === undefined || !Array.isArray(jwks.keys)) return undefined
  const keys: PublishedKey[] = []
  jwks.keys.forEach((jwk: unknown) => {
    if (typeof jwk !== 'object' || jwk === null) return
    const candidate = jwk as JsonObject
    const kid = candidate.kid
    const known = algorithmOf(candidate)
    if (known === undefined || typeof kid !== 'string' || kid === '') return
    const id = keyId(url, kid, known.alg, known.publicJwk)
    keys.push({ kid, alg: known.alg, jwk: known.publicJwk, id })
  })
  return keys
}
