import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { fileKeys } from '../../src/keys/file.ts'
import type { SecretKeys } from '../../src/keys/port.ts'
import { keyInTurn, signingKey } from '../../src/keys/signing-key.ts'
import { seal, unseal } from '../../src/tokens/seal.ts'

const pem = (namedCurve = 'P-256') =>
  generateKeyPairSync('ec', { namedCurve })
    .privateKey.export({ format: 'pem', type: 'sec1' })
    .toString()

test('a new key signs only after everybody had time to see it', (t) => {
  const [first, second, third] = [0, 1000, 2000].map((at) => signingKey(pem(), at))
  if (!first || !second || !third) throw new Error('three were made')
  const keys = [first, second, third]
  t.equal(keyInTurn(keys, 500, 400), first, 'the first start has no other')
  t.equal(keyInTurn(keys, 500, 1499), first)
  t.equal(keyInTurn(keys, 500, 1500), second)
  t.equal(keyInTurn(keys, 500, 9999), third)
  t.equal(keyInTurn([], 500, 0), undefined)
  t.end()
})

test('the kid is the thumbprint of RFC 7638, alike for whoever computes it', (t) => {
  const key = pem()
  t.equal(signingKey(key, 0).kid, signingKey(key, 1).kid)
  t.match(signingKey(key, 0).kid, /^[\w-]{43}$/)
  t.notOk('d' in signingKey(key, 0).jwk, 'only the public half is published')
  t.throws(() => signingKey(pem('P-384'), 0), /ecdsa-p256/)
  t.end()
})

test('keys in a file are made once and are their owner’s alone', async (t) => {
  const file = join(t.testdir({}), 'keys.json')
  const [first, second] = [fileKeys(file), fileKeys(file)]
  t.same(await first.signer.publicJwks(), await second.signer.publicJwks())
  t.same(await first.secrets.current(), await second.secrets.current())
  t.equal(statSync(file).mode & 0o777, 0o600)
})

test('what is sealed opens for its owner only', async (t) => {
  const key = { kid: '1', secret: randomBytes(32) }
  const keys: SecretKeys = {
    current: () => Promise.resolve(key),
    find: (kid) => Promise.resolve(kid === key.kid ? key : undefined),
  }
  const owner = { sid: 'a', uid: 6 }
  const sealed = await seal(keys, owner, 'the session')
  t.equal(await unseal(keys, owner, sealed), 'the session')
  t.equal(await unseal(keys, { sid: 'b', uid: 6 }, sealed), undefined)
  t.equal(await unseal(keys, { sid: 'a', uid: 2 }, sealed), undefined)
  t.equal(await unseal(keys, owner, sealed.slice(0, -2)), undefined)
  t.equal(await unseal(keys, owner, sealed.replace('s1.', 's2.')), undefined)
  t.equal(await unseal(keys, owner, ''), undefined)
  const other = { ...keys, find: () => Promise.resolve({ kid: '1', secret: randomBytes(32) }) }
  t.equal(await unseal(other, owner, sealed), undefined)
  t.not(await seal(keys, owner, 'the session'), sealed, 'never twice the same')
})
