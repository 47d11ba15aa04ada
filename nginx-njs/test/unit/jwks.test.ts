import t from 'tap'
import { algorithmOf } from '../../src/algorithms.ts'
import { readJwks } from '../../src/jwks.ts'
import { newKey } from '../support/tokens.ts'

const URL = 'http://127.0.0.1:3000/jwks'

t.test('algorithmOf goes by the key', (t) => {
  const { publicJwk } = newKey('key-1')
  t.match(algorithmOf(publicJwk), { alg: 'ES256', publicJwk: { kty: 'EC', crv: 'P-256' } })
  t.match(algorithmOf({ ...publicJwk, alg: undefined, use: undefined }), { alg: 'ES256' })
  const stripped = algorithmOf({ ...publicJwk, d: 'secret' })
  t.same(Object.keys(stripped?.publicJwk ?? {}), ['kty', 'crv', 'x', 'y'])
  for (const change of [
    { kty: 'oct' },
    { kty: 'RSA' },
    { crv: 'P-384' },
    { alg: 'HS256' },
    { alg: 'none' },
    { use: 'enc' },
    { x: 'short' },
    { y: undefined },
  ]) {
    t.equal(algorithmOf({ ...publicJwk, ...change }), undefined)
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
    id(URL, newKey('key-1').publicJwk),
  ]
  t.equal(new Set(ids).size, 4)
  t.end()
})
