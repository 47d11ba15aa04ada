import { execFile } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { fileKeys } from '../../src/keys/file.ts'
import { publicJwk } from '../../src/keys/jwk.ts'
import type { PublicJwk, SecretKeys } from '../../src/keys/port.ts'
import { readSecrets, secretInTurn } from '../../src/keys/secrets.ts'
import { sharedCall } from '../../src/keys/shared-call.ts'
import { signingKey } from '../../src/keys/signing-key.ts'
import { inTurn, published } from '../../src/keys/turn.ts'
import { createAccessTokens } from '../../src/tokens/access-token.ts'
import { createRefreshTokens } from '../../src/tokens/refresh-token.ts'
import { seal, unseal } from '../../src/tokens/seal.ts'
import { loadConfig } from '../../src/config.ts'
import { PATHS } from '../../src/contract/index.ts'
import { accessTokenOf, ISSUER, login, startBridge, validate } from '../helper.ts'
import { headerOf, isSignedBy } from '../jws.ts'
import { newSession } from '../session-store.ts'

const pem = (namedCurve = 'P-256') =>
  generateKeyPairSync('ec', { namedCurve })
    .privateKey.export({ format: 'pem', type: 'sec1' })
    .toString()

const rsaPem = (modulusLength = 2048) =>
  generateKeyPairSync('rsa', { modulusLength })
    .privateKey.export({ format: 'pem', type: 'pkcs1' })
    .toString()

test('a new key signs only after everybody had time to see it', (t) => {
  const [first, second, third] = [0, 1000, 2000].map((createdAt) => ({ createdAt }))
  if (!first || !second || !third) throw new Error('three were made')
  const keys = [first, second, third]
  t.equal(inTurn(keys, 500, 400), first, 'the first start has no other')
  t.equal(inTurn(keys, 500, 1499), first)
  t.equal(inTurn(keys, 500, 1500), second)
  t.equal(inTurn(keys, 500, 9999), third)
  t.equal(inTurn([second, third], 500, 1001), second, 'what is gone signs no more')
  t.equal(inTurn([third], 500, 2000), third, 'after a compromise the new one signs at once')
  t.equal(inTurn(keys.slice(3), 500, 0), undefined)
  t.end()
})

test('a retired key stays published as long as what it signed is good', (t) => {
  const [first, second] = [{ createdAt: 0 }, { createdAt: 1000 }]
  const keys = [first, second]
  const lifetimes = { publishedFor: 100, maxAge: 300, signedFor: 50 }
  t.same(published(keys, lifetimes, 1001), keys, 'the next is published at once')
  t.same(published(keys, lifetimes, 1349), keys, 'a bridge that was cut off may have signed')
  t.same(published(keys, lifetimes, 1350), [second])
  t.same(published(keys, { ...lifetimes, maxAge: 10 }, 1149), keys)
  t.same(published(keys, { ...lifetimes, maxAge: 10 }, 1150), [second])
  for (let now = 0; now < 2000; now += 7) {
    const signs = inTurn(keys, lifetimes.publishedFor, now)
    t.ok(published(keys, lifetimes, now).some((key) => key === signs))
  }
  t.end()
})

test('the kid is the thumbprint of RFC 7638, alike for whoever computes it', (t) => {
  const key = pem()
  const { jwk } = signingKey(key, 0)
  t.equal(jwk.kid, signingKey(key, 1).jwk.kid)
  t.match(jwk.kid, /^[\w-]{43}$/)
  t.notOk('d' in jwk, 'only the public half is published')
  t.throws(() => signingKey(pem('P-384'), 0), /ecdsa-p256/)
  t.throws(() => signingKey(rsaPem(1024), 0), /rsa-2048/)
  // The example key of RFC 7638 §3.1.
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const example = createPublicKey({ key: { kty: 'RSA', e: 'AQAB', n }, format: 'jwk' })
  t.equal(publicJwk(example).kid, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  t.end()
})

test('the algorithm comes from the key', async (t) => {
  for (const [key, alg] of [
    [pem(), 'ES256'],
    [rsaPem(), 'RS256'],
  ] as const) {
    const signing = signingKey(key, 0)
    const { jwk } = signing
    const token = await signing.sign('at+jwt', { sub: '6', iat: 1 })
    t.same(headerOf(token), { alg, typ: 'at+jwt', kid: jwk.kid })
    t.equal(jwk.alg, alg)
    t.ok(isSignedBy(token, jwk))
  }
})

test('keys in a file are made once and are their owner’s alone', async (t) => {
  const file = join(t.testdir({}), 'keys.json')
  const [first, second] = [fileKeys(file), fileKeys(file)]
  t.same(await first.signer.publicJwks(), await second.signer.publicJwks())
  t.same(await first.secrets.current(), await second.secrets.current())
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(readdirSync(dirname(file)), ['keys.json'], 'nothing else is left lying about')
})

test('a file with RS256: access tokens are made and verified', async (t) => {
  const file = join(t.testdir({}), 'keys.json')
  const seconds: number[] = []
  const events = { signed: (_key: string, took: number) => seconds.push(took) }
  const { signer } = fileKeys(file, 'RS256', events)
  const accessTokens = createAccessTokens(signer, 'https://id.example.com', 600)
  const audience = 'https://id.example.com/api'
  const token = await accessTokens.mint({ ...newSession(), audience }, Date.now())
  t.match(await accessTokens.verify(token, audience), { status: 'Valid' })
  const [jwk] = await signer.publicJwks()
  t.match(jwk, { kty: 'RSA', alg: 'RS256', e: 'AQAB' })
  t.equal(jwk?.kty === 'RSA' && Buffer.from(jwk.n, 'base64url').length, 384)
  t.equal(seconds.length, 1, 'it is counted')
  t.match(await fileKeys(file).signer.publicJwks(), [{ alg: 'RS256' }])
  // The same claims under ES256, with the kid of the RSA key: the key decides, not the header.
  const forged = await signingKey(pem(), 0).sign('at+jwt', { sub: '6' })
  const [, ...rest] = forged.split('.')
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: jwk?.kid }))
  const mixed = [header.toString('base64url'), ...rest].join('.')
  t.match(await accessTokens.verify(mixed, audience), { status: 'Invalid' })
})

test('a key for ID tokens has a file of its own; the one that was there is not touched', async (t) => {
  const folder = t.testdir({})
  const [file, idTokenFile] = [join(folder, 'keys.json'), join(folder, 'id-token-key.json')]
  t.equal(fileKeys(file).idTokenSigner, undefined)
  const before = readFileSync(file)
  const [main] = await fileKeys(file).signer.publicJwks()
  const { signer, idTokenSigner } = fileKeys(file, 'ES256', undefined, idTokenFile)
  t.same(readFileSync(file), before)
  t.equal(statSync(idTokenFile).mode & 0o777, 0o600)
  t.same(await signer.publicJwks(), [main])
  const [jwk] = (await idTokenSigner?.publicJwks()) ?? []
  t.match(jwk, { kty: 'RSA', alg: 'RS256' })
  const token = await idTokenSigner?.sign('JWT', { sub: '6' })
  t.ok(jwk && isSignedBy(token ?? '', jwk))
  const again = fileKeys(file, 'ES256', undefined, idTokenFile)
  t.same(await again.idTokenSigner?.publicJwks(), [jwk])
  t.throws(() => fileKeys(file, 'ES256', undefined, file), /must be of type RSA/)
})

test('bridges that start at once make one key for ID tokens', async (t) => {
  const folder = t.testdir({})
  const module = JSON.stringify(join(import.meta.dirname, '../../src/keys/file.ts'))
  const files = ['keys.json', 'id-token-key.json'].map((name) => JSON.stringify(join(folder, name)))
  const program = `
    import { fileKeys } from ${module}
    const { signer, idTokenSigner } = fileKeys(${files[0]}, 'ES256', undefined, ${files[1]})
    const keys = [signer, idTokenSigner].map(async (one) => (await one.publicJwks())[0].kid)
    console.log(JSON.stringify(await Promise.all(keys)))`
  const start = async () =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout
  const kids = await Promise.all([start(), start(), start()])
  t.equal(new Set(kids).size, 1)
  t.same(readdirSync(folder).sort(), ['id-token-key.json', 'keys.json'])
})

test('one key is not both: not by its name, nor by its file', (t) => {
  const settings = { ISSUER, ODOO_URL: 'http://odoo:8069', GATE_CREDENTIAL_FILE: 'f' }
  const others = { ODOO_DATABASE: 'd', ODOO_DATABASE_UUID: 'u' }
  const inFile = { KEY_CUSTODY: 'file', KEY_FILE: 'k', ID_TOKEN_KEY_FILE: 'k' }
  t.throws(() => loadConfig({ ...settings, ...others, ...inFile }), /ID_TOKEN_KEY_FILE: expected/)
  const vault = { VAULT_ADDR: 'http://vault:8200', VAULT_ROLE_ID: 'r', VAULT_SECRET_ID_FILE: 's' }
  const named = { ...vault, VAULT_TRANSIT_ID_TOKEN_KEY: 'drawbridge' }
  t.throws(
    () => loadConfig({ ...settings, ...others, ...named }),
    /VAULT_TRANSIT_ID_TOKEN_KEY: expected/,
  )
  t.end()
})

test('RS256 over HTTP: the JWKS holds the whole key, and the bridge takes its own tokens', async (t) => {
  const { app } = await startBridge(t, { KEY_FILE_ALGORITHM: 'RS256' })
  const token = accessTokenOf(await login(app))
  t.match((await validate(app, token)).json(), { status: 'Valid' })
  const { keys } = (await app.inject({ url: PATHS.jwks })).json<{ keys: PublicJwk[] }>()
  t.match(keys, [{ kty: 'RSA', alg: 'RS256', use: 'sig', n: /^[\w-]{512}$/, e: 'AQAB' }])
  t.ok(keys[0] && isSignedBy(token, keys[0]))
})

test('custody remote asks for what Vault needs', (t) => {
  const settings = { KEY_CUSTODY: 'remote', ISSUER, ODOO_URL: 'http://odoo:8069' }
  const others = { ODOO_DATABASE: 'd', ODOO_DATABASE_UUID: 'u', GATE_CREDENTIAL_FILE: 'f' }
  t.throws(() => loadConfig({ ...settings, ...others }), /VAULT_ADDR.*VAULT_SECRET_ID_FILE/s)
  t.end()
})

const base64 = () => randomBytes(32).toString('base64')

test('a new key for refresh tokens signs once every bridge knows it', (t) => {
  const [one, two, three] = [base64(), base64(), base64()]
  const at = (time: number) => new Date(time).toISOString()
  const both = readSecrets({ current: '2', keys: { 1: one, 2: two }, created_at: { 2: at(1000) } })
  t.equal(secretInTurn(both, 500, 1499)?.kid, '1')
  t.equal(secretInTurn(both, 500, 1500)?.kid, '2')
  const hasty = readSecrets({
    current: '3',
    keys: { 3: three, 2: two, 1: one },
    created_at: { 2: at(1000), 3: at(1100) },
  })
  t.equal(secretInTurn(hasty, 500, 1200)?.kid, '1')
  t.equal(secretInTurn(hasty, 500, 1550)?.kid, '2')
  t.equal(secretInTurn(hasty, 500, 1600)?.kid, '3')
  const compromised = readSecrets({ current: '2', keys: { 2: two }, created_at: { 2: at(1000) } })
  t.equal(secretInTurn(compromised, 500, 1000)?.kid, '2', 'without another it signs at once')
  const byHand = readSecrets({ current: '1', keys: { 1: one, 2: two } })
  t.equal(secretInTurn(byHand, 500, 1000)?.kid, '1')
  t.end()
})

test('a secret in KV that is no good is refused without being shown', (t) => {
  const short = randomBytes(31).toString('base64')
  const wrong: unknown[] = [
    undefined,
    {},
    { current: '1', keys: {} },
    { current: '2', keys: { 1: base64() } },
    { current: '1', keys: { 1: short } },
    { current: '1', keys: { 1: 5 } },
    { current: '1', keys: { 1: base64() }, created_at: { 1: 'soon' } },
  ]
  for (const stored of wrong) {
    const error = t.throws(() => readSecrets(stored), TypeError) as Error
    t.notMatch(String(error), short)
  }
  const keys = { 1: base64() }
  const first = readSecrets({ current: '1', keys })
  t.equal(readSecrets({ current: '1', keys }, first).all[0], first.all[0], 'it stays one object')
  const replaced = readSecrets({ current: '1', keys: { 1: base64() } }, first)
  t.not(replaced.all[0], first.all[0])
  t.end()
})

test('a key that was replaced under its name verifies nothing of the old one', async (t) => {
  let key = { kid: '1', secret: randomBytes(32) }
  const secrets: SecretKeys = {
    current: () => Promise.resolve(key),
    find: (kid) => Promise.resolve(kid === key.kid ? key : undefined),
  }
  const refreshTokens = createRefreshTokens(secrets, 'https://id.example.com')
  const token = await refreshTokens.mint(newSession(), Date.now())
  t.ok(await refreshTokens.verify(token))
  key = { kid: '1', secret: randomBytes(32) }
  t.equal(await refreshTokens.verify(token), undefined)
})

test('a crowd makes one call, and a failure is not asked for again at once', async (t) => {
  let calls = 0
  const failing = sharedCall(() => {
    calls++
    return Promise.reject(new Error('down'))
  }, 60_000)
  await Promise.allSettled([failing(), failing()])
  await t.rejects(failing(), /down/)
  t.equal(calls, 1)
  const fine = sharedCall(() => Promise.resolve(++calls), 60_000)
  t.same(await Promise.all([fine(), fine()]), [2, 2])
  t.equal(await fine(), 3, 'a success is not kept')
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
