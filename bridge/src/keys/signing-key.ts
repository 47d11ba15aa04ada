import { createPrivateKey } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { publicJwk } from './jwk.ts'
import type { PublicJwk } from './port.ts'
import type { Dated } from './turn.ts'

/** One version of the signing key, ready for use, wherever its private half is. */
export interface SigningKey extends Dated {
  jwk: PublicJwk
  /** @param typ goes into the header @returns a compact JWS */
  sign(typ: string, payload: object): Promise<string>
}

type Sign = (payload: object) => string

/**
 * A key whose private half is in this process.
 * @param pem a private key on P-256, or RSA
 * @param createdAt milliseconds since 1970
 * @throws TypeError if the key is of another kind
 */
export function signingKey(pem: string, createdAt: number): SigningKey {
  const privateKey = createPrivateKey(pem)
  const jwk = publicJwk(privateKey)
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()

  // A signer per header, made once: one that is given its key per call is 14 times slower.
  const signers = new Map<string, Sign>()
  const signerFor = (typ: string): Sign => {
    const made = signers.get(typ)
    if (made) return made
    const { alg, kid } = jwk
    const sign: Sign = createSigner({ algorithm: alg, key, kid, header: { alg, typ } })
    signers.set(typ, sign)
    return sign
  }

  return {
    jwk,
    createdAt,
    sign: (typ, payload) =>
      new Promise((resolve) => {
        resolve(signerFor(typ)({ ...payload }))
      }),
  }
}
