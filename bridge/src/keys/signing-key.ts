import { createHash, createPrivateKey } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import type { PublicJwk } from './port.ts'

/** One version of the signing key, ready for use. */
export interface SigningKey {
  kid: string
  jwk: PublicJwk
  /** Milliseconds since 1970. */
  createdAt: number
  sign(typ: string, payload: object): string
}

type Sign = (payload: object) => string

/** The JWK thumbprint: a name that every bridge derives alike. @see RFC 7638 §3 */
function thumbprint(jwk: { crv: string; kty: string; x: string; y: string }): string {
  const canonical = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })
  return createHash('sha256').update(canonical).digest('base64url')
}

/**
 * @param pem an EC private key on P-256
 * @param createdAt milliseconds since 1970
 * @throws TypeError if the key is of another kind
 */
export function signingKey(pem: string, createdAt: number): SigningKey {
  const privateKey = createPrivateKey(pem)
  const { kty, crv, x, y } = privateKey.export({ format: 'jwk' })
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) {
    throw new TypeError('The signing key must be of type ecdsa-p256.')
  }
  const kid = thumbprint({ crv, kty, x, y })
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()

  // A signer per header, made once: one that is given its key per call is 14 times slower.
  const signers = new Map<string, Sign>()
  const signerFor = (typ: string): Sign => {
    const made = signers.get(typ)
    if (made) return made
    const header = { alg: 'ES256', typ }
    const sign: Sign = createSigner({ algorithm: 'ES256', key, kid, header })
    signers.set(typ, sign)
    return sign
  }

  return {
    kid,
    jwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' },
    createdAt,
    sign: (typ, payload) => signerFor(typ)({ ...payload }),
  }
}

/**
 * The key that signs now: the newest of those that everybody who caches the JWKS has seen by now.
 * While none is that old, as on the first start, the oldest.
 * @param keys in the order of their versions
 * @param publishedFor milliseconds that a key must have been published before it signs
 * @param now milliseconds since 1970
 */
export function keyInTurn(
  keys: readonly SigningKey[],
  publishedFor: number,
  now: number,
): SigningKey | undefined {
  return keys.findLast((key) => key.createdAt + publishedFor <= now) ?? keys[0]
}
