import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { algorithmOf } from '../../src/algorithms.ts'
import { readJwks } from '../../src/jwks.ts'
import { newKey } from '../support/tokens.ts'

const URL = 'http://127.0.0.1:3000/jwks'

const jwkOf = (pair: { publicKey: KeyObject }): Record<string, unknown> => ({
  ...pair.publicKey.export({ format: 'jwk' }),
})

t.test('algorithmOf goes by the key', (t) => {
  const { publicJwk } = newKey('key-1')
  t.match(algorithmOf(publicJwk), { alg: 'ES256', publicJwk: { kty: 'EC', crv: 'P-256' } })
  t.match(algorithmOf({ ...publicJwk, alg: undefined, use: undefined }), { alg: 'ES256' })
  t.match(algorithmOf({ ...publicJwk, key_ops: ['verify'] }), { alg: 'ES256' })
  const stripped = algorithmOf({ ...publicJwk, x5t: 'x' })
  t.same(Object.keys(stripped?.publicJwk ?? {}), ['kty', 'crv', 'x', 'y'])
  for (const change of [
    { kty: 'oct' },
    { kty: 'RSA' },
    { kty: 'OKP' },
    { kty: undefined },
    { crv: 'P-384' },
    { crv: 'P-521' },
    { crv: 'secp256k1' },
    { alg: 'HS256' },
    { alg: 'none' },
    { alg: 'ES384' },
    { alg: 'ECDH-ES' },
    { alg: null },
    { use: 'enc' },
    { use: null },
    { drawbridge_signs: 'id_token' },
    { drawbridge_signs: null },
    { key_ops: [] },
    { key_ops: ['sign'] },
    { key_ops: 'verify' },
    { key_ops: null },
    { x: 'short' },
    { x: `${'A'.repeat(42)}+` },
    { y: undefined },
    { d: 'secret' },
    { d: null },
    { k: 'c2VjcmV0' },
  ]) {
    t.equal(algorithmOf({ ...publicJwk, ...change }), undefined, JSON.stringify(change))
  }
  t.end()
})

t.test('algorithmOf: the other kinds of keys', (t) => {
  const p384 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }))
  t.match(algorithmOf(p384), { alg: 'ES384', publicJwk: { kty: 'EC', crv: 'P-384' } })
  t.equal(algorithmOf({ ...p384, alg: 'ES256' }), undefined)
  t.equal(algorithmOf(jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }))), undefined)

  const ed25519 = jwkOf(generateKeyPairSync('ed25519'))
  t.same(algorithmOf(ed25519)?.publicJwk, { kty: 'OKP', crv: 'Ed25519', x: ed25519.x })
  t.match(algorithmOf({ ...ed25519, alg: 'EdDSA' }), { alg: 'EdDSA' })
  t.equal(algorithmOf({ ...ed25519, alg: 'ES256' }), undefined)
  t.equal(algorithmOf(jwkOf(generateKeyPairSync('x25519'))), undefined)
  t.equal(algorithmOf(jwkOf(generateKeyPairSync('ed448'))), undefined)
  t.end()
})

t.test('algorithmOf: RSA keys', (t) => {
  const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))
  t.same(Object.keys(algorithmOf(rsa)?.publicJwk ?? {}), ['kty', 'n', 'e'])
  t.match(algorithmOf(rsa), { alg: 'RS256' }, 'RS256, where the key does not say')
  t.match(algorithmOf({ ...rsa, alg: 'RS256' }), { alg: 'RS256' })
  t.match(algorithmOf({ ...rsa, alg: 'PS256' }), { alg: 'PS256' })
  for (const alg of ['RS1', 'RS384', 'RS512', 'PS384', 'RSA-OAEP', 'HS256', 'none', 'ES256', '']) {
    t.equal(algorithmOf({ ...rsa, alg }), undefined, alg)
  }
  for (const e of ['AQ', 'Ag', 'Aw', 'AAEAAQ', 'AQAA', '', undefined, 65537]) {
    t.equal(algorithmOf({ ...rsa, e }), undefined, `exponent ${String(e)}`)
  }
  const modulus = (bits: number, change: (bytes: Buffer) => void = () => undefined): string => {
    const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff)
    bytes[0] = 0xff >> (bytes.length * 8 - bits)
    change(bytes)
    return bytes.toString('base64url')
  }
  for (const bits of [2048, 3072, 4096, 8192]) {
    t.match(algorithmOf({ ...rsa, n: modulus(bits) }), { alg: 'RS256' }, `${bits} bits`)
  }
  const padded = Buffer.concat([Buffer.alloc(1), Buffer.from(rsa.n as string, 'base64url')])
  t.match(algorithmOf({ ...rsa, n: padded.toString('base64url') }), { alg: 'RS256' })
  const even = modulus(2048, (bytes) => {
    bytes[bytes.length - 1] = 0xfe
  })
  const zeros = modulus(2048, (bytes) => {
    bytes.fill(0)
  })
  for (const n of [modulus(512), modulus(2047), modulus(8193), even, zeros, '', 'A', 'n n', 7]) {
    t.equal(algorithmOf({ ...rsa, n }), undefined, String(n).slice(0, 20))
  }
  t.end()
})

t.test('readJwks', (t) => {
  const first = newKey('key-1').publicJwk
  const second = newKey('key-2').publicJwk
  const set = {
    keys: [null, 'x', { ...first, kid: undefined }, { ...first, kid: '' }, first, second],
  }
  const keys = readJwks(URL, JSON.stringify(set)) ?? []
  t.same(
    keys.map((key) => key.kid),
    ['key-1', 'key-2'],
  )
  t.same(readJwks(URL, '{"keys":[]}'), [])
  for (const text of ['', 'x', '[]', '{}', '{"keys":{}}', 'null']) {
    t.equal(readJwks(URL, text), undefined, text)
  }
  t.end()
})

t.test('the id of a key tells source, kid and material apart', (t) => {
  const key = newKey('key-1').publicJwk
  const id = (url: string, jwk: unknown) => readJwks(url, JSON.stringify({ keys: [jwk] }))?.[0]?.id
  t.equal(id(URL, key), id(URL, key))
  const ids = [
    id(URL, key),
    id(`${URL}2`, key),
    id(URL, { ...key, kid: 'key-2' }),
    id(URL, { ...key, kid: 'key-1\nES256' }),
    id(URL, newKey('key-1').publicJwk),
  ]
  t.equal(new Set(ids).size, 5)
  t.end()
})
