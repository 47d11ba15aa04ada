/** Access tokens for the tests: good ones by fast-jwt, broken ones by hand. */
import {
  constants,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign,
} from 'node:crypto'
import { ACCESS_TOKEN_TYP, type AccessTokenClaims } from '@drawbridge/bridge/contract'
import { createSigner } from 'fast-jwt'

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = `${ISSUER}/api`

/** How each algorithm makes its keys and its signatures, by node:crypto. */
const ALGORITHMS = {
  ES256: {
    pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    hash: 'sha256',
    options: { dsaEncoding: 'ieee-p1363' },
  },
  ES384: {
    pair: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    hash: 'sha384',
    options: { dsaEncoding: 'ieee-p1363' },
  },
  RS256: {
    pair: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    hash: 'sha256',
    options: { padding: constants.RSA_PKCS1_PADDING },
  },
  PS256: {
    pair: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    hash: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  },
  EdDSA: { pair: () => generateKeyPairSync('ed25519'), hash: null, options: {} },
} as const satisfies Record<
  string,
  { pair: () => KeyPairKeyObjectResult; hash: string | null; options: object }
>

export type TestAlgorithm = keyof typeof ALGORITHMS

export const TEST_ALGORITHMS = Object.keys(ALGORITHMS) as TestAlgorithm[]

/** A signing key and what its issuer publishes of it. */
export interface TestKey {
  kid: string
  alg: TestAlgorithm
  privateKey: KeyObject
  publicKey: KeyObject
  publicJwk: Record<string, unknown>
}

export function newKey(
  kid: string,
  alg: TestAlgorithm = 'ES256',
  pair: KeyPairKeyObjectResult = ALGORITHMS[alg].pair(),
): TestKey {
  const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { kid, alg, ...pair, publicJwk }
}

/** The signature of a key over exactly this, by an algorithm that fits its kind. */
export const signatureOf = (key: TestKey, input: string, alg = key.alg): Buffer =>
  sign(ALGORITHMS[alg].hash, Buffer.from(input), {
    key: key.privateKey,
    ...ALGORITHMS[alg].options,
  })

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
    algorithm: key.alg,
    header: { alg: key.alg, typ, kid: key.kid },
  })
  return signer(claims(changes))
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token with exactly this header and payload, signed as the key does whatever the header says. */
export function handmade(key: TestKey, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signatureOf(key, input).toString('base64url')}`
}

/** The header that a good token has. */
export const goodHeader = (key: TestKey): Record<string, unknown> => ({
  alg: key.alg,
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
