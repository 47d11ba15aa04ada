import type { JsonObject } from './json.ts'

/** A public key, stripped to what njs's `importKey` accepts. */
export type PublicJwk =
  | { kty: 'EC'; crv: string; x: string; y: string }
  | { kty: 'RSA'; n: string; e: string }
  | { kty: 'OKP'; crv: string; x: string }

/** How signatures of one `alg` are verified: names and parameters of WebCrypto. */
export interface Algorithm {
  import:
    | EcKeyImportParams
    | { name: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS'; hash: 'SHA-256' }
    | { name: 'Ed25519' }
  verify: SignOrVerifyAlgorithm | { name: 'Ed25519' }
  /** Bytes; undefined where the key decides. */
  signatureLength: number | undefined
}

/** @see RFC 7518 §3.1, RFC 8037 §3.1 */
export const ALGORITHMS = {
  ES256: {
    import: { name: 'ECDSA', namedCurve: 'P-256' },
    verify: { name: 'ECDSA', hash: 'SHA-256' },
    signatureLength: 64,
  },
  ES384: {
    import: { name: 'ECDSA', namedCurve: 'P-384' },
    verify: { name: 'ECDSA', hash: 'SHA-384' },
    signatureLength: 96,
  },
  RS256: {
    import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    verify: { name: 'RSASSA-PKCS1-v1_5' },
    signatureLength: undefined,
  },
  PS256: {
    import: { name: 'RSA-PSS', hash: 'SHA-256' },
    // RFC 7518 §3.5: the salt is as long as the hash.
    verify: { name: 'RSA-PSS', saltLength: 32 },
    signatureLength: undefined,
  },
  EdDSA: {
    import: { name: 'Ed25519' },
    verify: { name: 'Ed25519' },
    signatureLength: 64,
  },
} satisfies Record<string, Algorithm>

export type AlgorithmName = keyof typeof ALGORITHMS

/** A published key, and the one algorithm that it serves. */
export interface KeyWithAlgorithm {
  alg: AlgorithmName
  publicJwk: PublicJwk
}

// Bits. Shorter ones can be factored; longer ones take a worker's time with every forged token.
const SHORTEST_MODULUS = 2048
const LONGEST_MODULUS = 8192

// 65537, which every issuer uses. An even exponent, or 1, would make no signature scheme at all.
const EXPONENT = 'AQAB'

// Of RFC 7518 §6: a key that holds one of them is not public, or no longer.
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const COORDINATE_32 = /^[\w-]{43}$/
const COORDINATE_48 = /^[\w-]{64}$/

const matches = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value)

/** Whether an RSA modulus is one: odd, and of a length between the bounds. */
function isModulus(n: unknown): n is string {
  if (!matches(n, /^[\w-]+$/) || n.length % 4 === 1) return false
  const bytes = Buffer.from(n, 'base64url')
  let zeros = 0
  while (bytes[zeros] === 0) zeros++
  const first = bytes[zeros]
  if (first === undefined) return false
  const bits = (bytes.length - zeros - 1) * 8 + first.toString(2).length
  const odd = (bytes[bytes.length - 1] as number) % 2 === 1
  return odd && bits >= SHORTEST_MODULUS && bits <= LONGEST_MODULUS
}

function elliptic(jwk: JsonObject): KeyWithAlgorithm | undefined {
  const alg = jwk.crv === 'P-256' ? 'ES256' : jwk.crv === 'P-384' ? 'ES384' : undefined
  if (alg === undefined) return undefined
  if (jwk.alg !== undefined && jwk.alg !== alg) return undefined
  const coordinate = alg === 'ES256' ? COORDINATE_32 : COORDINATE_48
  if (!matches(jwk.x, coordinate) || !matches(jwk.y, coordinate)) return undefined
  return { alg, publicJwk: { kty: 'EC', crv: jwk.crv as string, x: jwk.x, y: jwk.y } }
}

function rsa(jwk: JsonObject): KeyWithAlgorithm | undefined {
  const alg = jwk.alg ?? 'RS256'
  if (alg !== 'RS256' && alg !== 'PS256') return undefined
  if (!isModulus(jwk.n) || jwk.e !== EXPONENT) return undefined
  return { alg, publicJwk: { kty: 'RSA', n: jwk.n, e: jwk.e } }
}

function edwards(jwk: JsonObject): KeyWithAlgorithm | undefined {
  if (jwk.crv !== 'Ed25519') return undefined
  if (jwk.alg !== undefined && jwk.alg !== 'EdDSA') return undefined
  if (!matches(jwk.x, COORDINATE_32)) return undefined
  return { alg: 'EdDSA', publicJwk: { kty: 'OKP', crv: jwk.crv, x: jwk.x } }
}

/** Whether a key may verify by what is said of its use. */
function mayVerify(jwk: JsonObject): boolean {
  // The bridge says so of a key that signs ID tokens alone: whoever has that one gets in nowhere.
  if (jwk.drawbridge_signs !== undefined) return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  const operations: unknown = jwk.key_ops
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

/**
 * The algorithm of a published key: by the key itself, whatever a token says. An RSA key that
 * names no algorithm serves RS256 only.
 * @returns undefined for a key that this gate cannot or must not verify with
 * @see RFC 7517 §4, RFC 7518 §6, RFC 8037 §2
 */
export function algorithmOf(jwk: JsonObject): KeyWithAlgorithm | undefined {
  if (!mayVerify(jwk)) return undefined
  if (SECRET_MEMBERS.some((member) => jwk[member] !== undefined)) return undefined
  switch (jwk.kty) {
    case 'EC':
      return elliptic(jwk)
    case 'RSA':
      return rsa(jwk)
    case 'OKP':
      return edwards(jwk)
    default:
      return undefined
  }
}
