/** What a JWS says and who made it, by node:crypto alone. */
import { createPublicKey, verify } from 'node:crypto'
import type { PublicJwk } from '../src/keys/port.ts'

/** The header of a JWS, unverified. */
export const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    alg: string
    kid: string
    typ: string
  }

/** Whether a JWS was made by this key. */
export function isSignedBy(token: string, jwk: PublicJwk): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  return verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    jwk.alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key,
    Buffer.from(signature, 'base64url'),
  )
}
