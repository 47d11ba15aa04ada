/** Access tokens for the tests: good ones by fast-jwt, broken ones by hand. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { ACCESS_TOKEN_TYP, type AccessTokenClaims } from '@drawbridge/bridge/contract'
import { createSigner } from 'fast-jwt'

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = `${ISSUER}/api`

/** A signing key and what its issuer publishes of it. */
export interface TestKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
  publicJwk: Record<string, unknown>
}

export function newKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
  return { kid, privateKey, publicKey, publicJwk }
}

/** Seconds since 1970. */
export const now = (): number => Math.floor(Date.now() / 1000)

/** Claims that pass, unless `changes` spoils them; `undefined` takes a claim away. */
export function claims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const good: AccessTokenClaims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: '6',
    client_id: 'drawbridge-pwa',
    scope: 'odoo.read odoo.write',
    exp: now() + 600,
    iat: now(),
    jti: crypto.randomUUID(),
    sid: 'session-1',
    auth_time: now(),
    amr: ['pwd'],
    roles: ['internal', 'sales'],
  }
  return { ...good, ...changes }
}

/** A token as the bridge mints it. */
export function mint(
  key: TestKey,
  changes: Record<string, unknown> = {},
  typ = ACCESS_TOKEN_TYP,
): string {
  const signer = createSigner({
    key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    algorithm: 'ES256',
    header: { alg: 'ES256', typ, kid: key.kid },
  })
  return signer(claims(changes))
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token with exactly this header and payload, signed with ES256 whatever the header says. */
export function handmade(key: TestKey, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  const signature = sign('sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

/** The header that a good token has. */
export const goodHeader = (key: TestKey): Record<string, unknown> => ({
  alg: 'ES256',
  typ: ACCESS_TOKEN_TYP,
  kid: key.kid,
})

/** A token "signed" with HS256, the public key as its secret: the classic confusion. */
export function hmacWithPublicKey(key: TestKey): string {
  const header = { alg: 'HS256', typ: ACCESS_TOKEN_TYP, kid: key.kid }
  const input = `${encode(header)}.${encode(claims())}`
  const secret = key.publicKey.export({ format: 'pem', type: 'spki' })
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The same token with other claims under the old signature. */
export function swapPayload(token: string, changes: Record<string, unknown>): string {
  const [header, , signature] = token.split('.')
  return [header, encode(claims(changes)), signature].join('.')
}
