import type { JsonObject } from './json.ts'

/** A public key, stripped to what njs's `importKey` accepts. */
export interface PublicJwk {
  kty: 'EC'
  crv: string
  x: string
  y: string
}

/** How signatures of one `alg` are verified. */
export interface Algorithm {
  import: EcKeyImportParams
  verify: EcdsaParams
  /** Bytes. */
  signatureLength: number
}

/** @see RFC 7518 §3.1 */
export const ALGORITHMS = {
  ES256: {
    import: { name: 'ECDSA', namedCurve: 'P-256' },
    verify: { name: 'ECDSA', hash: 'SHA-256' },
    signatureLength: 64,
  },
} satisfies Record<string, Algorithm>

export type AlgorithmName = keyof typeof ALGORITHMS

const COORDINATE_P256 = /^[\w-]{43}$/

/**
 * The algorithm of a published key: by the key itself, whatever a token says.
 * @returns undefined for a key that this gate cannot or must not verify with
 * @see RFC 7517 §4, RFC 7518 §6.2.1
 */
export function algorithmOf(
  jwk: JsonObject,
): { alg: AlgorithmName; publicJwk: PublicJwk } | undefined {
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256') return undefined
  if (jwk.alg !== undefined && jwk.alg !== 'ES256') return undefined
  if (typeof jwk.x !== 'string' || !COORDINATE_P256.test(jwk.x)) return undefined
  if (typeof jwk.y !== 'string' || !COORDINATE_P256.test(jwk.y)) return undefined
  return { alg: 'ES256', publicJwk: { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y } }
}
