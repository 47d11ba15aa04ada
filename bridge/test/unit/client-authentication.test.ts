import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { SignJWT } from 'jose'
import { test, type Test } from 'tap'
import type { ClientEntry } from '../../src/clients/schema.ts'
import { PATHS } from '../../src/contract/index.ts'
import { ASSERTION_TYPE } from '../../src/oauth/client-credentials.ts'
import { errorOf, ISSUER, startBridge } from '../helper.ts'
import {
  basic,
  client,
  confidential,
  post,
  redemptionFor,
  registering,
  SECRET,
} from '../registered-clients.ts'

/** A request that needs nothing but a client: what comes of it tells who was believed. */
const GRANT = { grant_type: 'refresh_token', refresh_token: 'x' }
const BELIEVED = 'invalid_grant'

const start = (t: Test, ...clients: ClientEntry[]) => startBridge(t, registering(t, ...clients))

test('a client is believed by the one way that it is registered for', async (t) => {
  const posted = confidential({
    client_id: 'posts',
    token_endpoint_auth_method: 'client_secret_post',
  })
  const { app } = await start(t, client(), confidential(), posted)
  const ask = async (body: Record<string, string>, headers = {}) =>
    errorOf(await post(app, PATHS.token, { ...GRANT, ...body }, headers))

  t.equal(await ask({ client_id: 'an-app' }), BELIEVED, 'none')
  t.equal(await ask({}, basic('a-server', SECRET)), BELIEVED, 'basic')
  t.equal(await ask({ client_id: 'a-server' }, basic('a-server', SECRET)), BELIEVED, 'basic, named')
  t.equal(await ask({ client_id: 'posts', client_secret: SECRET }), BELIEVED, 'post')

  const refused: [Record<string, string>, Record<string, string>][] = [
    [{}, {}],
    [{ client_id: 'nobody' }, {}],
    [{ client_id: 'a-server' }, {}],
    [{ client_id: 'posts' }, {}],
    [{ client_id: 'posts', client_secret: 'wrong' }, {}],
    [{ client_id: 'posts', client_secret: `${SECRET} ` }, {}],
    [{ client_id: 'a-server', client_secret: SECRET }, {}],
    [{ client_id: 'an-app', client_secret: SECRET }, {}],
    [{ client_id: 'drawbridge-pwa', client_secret: SECRET }, {}],
    [{}, basic('posts', SECRET)],
    [{}, basic('an-app', '')],
    [{}, basic('a-server', '')],
    [{}, basic('a-server', `${SECRET}x`)],
    [{}, basic('nobody', SECRET)],
    [{}, { authorization: `Bearer ${SECRET}` }],
    [{ client_id: 'an-app' }, { authorization: 'Basic' }],
    [{ client_id: 'an-app' }, { authorization: '' }],
    [{}, { authorization: `Basic ${Buffer.from('a-server').toString('base64')}` }],
    [{}, { authorization: `Basic ${Buffer.from(`%E0%A4%A:${SECRET}`).toString('base64')}` }],
  ]
  for (const [body, headers] of refused) {
    const answer = await post(app, PATHS.token, { ...GRANT, ...body }, headers)
    const what = JSON.stringify([body, headers])
    t.equal(errorOf(answer), 'invalid_client', what)
    t.equal(answer.statusCode, 401)
    t.equal(answer.headers['cache-control'], 'no-store')
    const challenged = String(answer.headers['www-authenticate'] ?? '').startsWith('Basic ')
    t.equal(challenged, 'authorization' in headers, `${what}: challenged`)
  }
})

test('the two halves of Basic are form-encoded, a colon in one included', async (t) => {
  const secret = `a:b c+d%é${SECRET}`
  const hash = createHash('sha256').update(secret).digest('base64url')
  const { app } = await start(t, confidential({ client_secret_sha256: hash }))
  const answer = await post(app, PATHS.token, GRANT, basic('a-server', secret))
  t.equal(errorOf(answer), BELIEVED)
})

test('two ways at once are refused, right or not', async (t) => {
  const { app } = await start(t, confidential(), client())
  const assertion = { client_assertion: 'x', client_assertion_type: ASSERTION_TYPE }
  const mixed: [Record<string, string>, Record<string, string>][] = [
    [{ client_secret: SECRET }, basic('a-server', SECRET)],
    [assertion, basic('a-server', SECRET)],
    [{ client_id: 'a-server', client_secret: SECRET, ...assertion }, {}],
    [{ client_id: 'an-app' }, basic('a-server', SECRET)],
    [{ client_id: 'an-app', client_assertion: 'x' }, {}],
    [{ client_id: 'an-app', client_assertion_type: ASSERTION_TYPE }, {}],
    [{ ...assertion, client_assertion_type: 'saml' }, {}],
  ]
  for (const [body, headers] of mixed) {
    const answer = await post(app, PATHS.token, { ...GRANT, ...body }, headers)
    t.equal(errorOf(answer), 'invalid_request', JSON.stringify([body, headers]))
  }
  const twice = `${new URLSearchParams(GRANT).toString()}&client_id=a&client_id=an-app`
  t.equal(errorOf(await post(app, PATHS.token, twice)), 'invalid_request')
})

test('who fails often is not even looked at, and keeps nobody else out', async (t) => {
  const { app } = await start(t, confidential(), confidential({ client_id: 'neighbour' }))
  const wrong = () => post(app, PATHS.token, GRANT, basic('a-server', 'wrong'))
  for (let time = 0; time < 20; time++) t.equal((await wrong()).statusCode, 401)
  const limited = await wrong()
  t.equal(errorOf(limited), 'too_many_attempts')
  t.ok(Number(limited.headers['retry-after']) > 0)
  const right = await post(app, PATHS.token, GRANT, basic('a-server', SECRET))
  t.equal(errorOf(right), 'too_many_attempts', 'nor is the right secret')
  const neighbour = await post(app, PATHS.token, GRANT, basic('neighbour', SECRET))
  t.equal(errorOf(neighbour), BELIEVED, 'another client of the same address')
  const elsewhere = await app.inject({
    method: 'POST',
    url: PATHS.token,
    remoteAddress: '192.0.2.77',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic('a-server', SECRET) },
    payload: new URLSearchParams(GRANT).toString(),
  })
  t.equal(errorOf(elsewhere), BELIEVED, 'the same client from elsewhere')
})

test('made-up names of clients share one count', async (t) => {
  const { app } = await start(t, client())
  const made = () => post(app, PATHS.token, GRANT, basic(randomUUID(), 'x'))
  for (let time = 0; time < 20; time++) await made()
  t.equal(errorOf(await made()), 'too_many_attempts')
})

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const KEYS = pair()
const jwkOf = (key: KeyObject, kid?: string) => ({
  ...(key.export({ format: 'jwk' }) as Record<string, unknown>),
  ...(kid === undefined ? {} : { kid }),
})

const signing = (change: Partial<ClientEntry> = {}): ClientEntry =>
  client({
    client_id: 'signs',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwkOf(KEYS.publicKey)] },
    ...change,
  })

/** An assertion with some claims changed; undefined leaves one out. */
function assertion(
  change: Record<string, unknown> = {},
  key: KeyObject = KEYS.privateKey,
  alg = 'ES256',
) {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'signs',
    sub: 'signs',
    aud: ISSUER,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...change,
  }
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key)
}

const shown = (client_assertion: string, more = {}) => ({
  ...GRANT,
  client_assertion,
  client_assertion_type: ASSERTION_TYPE,
  ...more,
})

test('private_key_jwt: a client that signs is believed once for each signature', async (t) => {
  const { app, files } = await start(t, signing(), signing({ client_id: 'other' }))
  const ask = async (token: string, more = {}) =>
    errorOf(await post(app, PATHS.token, shown(token, more)))
  const once = await assertion()
  t.equal(await ask(once), BELIEVED)
  t.equal(await ask(once), 'invalid_client', 'a second time')
  t.equal(await ask(await assertion(), { client_id: 'signs' }), BELIEVED, 'named as well')
  t.equal(await ask(await assertion({ aud: ISSUER + PATHS.token })), BELIEVED)
  t.equal(await ask(await assertion({ aud: [ISSUER, ISSUER + PATHS.token] })), BELIEVED)

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const now = Math.floor(Date.now() / 1000)
  const forged: Record<string, string> = {
    'another key': await assertion({}, pair().privateKey),
    'another kind of key': await assertion({}, rsa.privateKey, 'RS256'),
    'another issuer': await assertion({ iss: 'other' }),
    'another subject': await assertion({ sub: 'other' }),
    'both another': await assertion({ iss: 'nobody', sub: 'nobody' }),
    'for somebody else': await assertion({ aud: 'https://other.example' }),
    'for others, too': await assertion({ aud: [ISSUER, 'https://other.example'] }),
    'for nobody': await assertion({ aud: undefined }),
    expired: await assertion({ exp: now - 6 }),
    'for ever': await assertion({ exp: undefined }),
    'for long': await assertion({ exp: now + 3600 }),
    'not yet': await assertion({ nbf: now + 60 }),
    'no jti': await assertion({ jti: undefined }),
    'an empty jti': await assertion({ jti: '' }),
    'a jti that is no text': await assertion({ jti: 7 }),
    'no algorithm': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await assertion()).split('.')[1] ?? ''}.`,
    'cut off': (await assertion()).slice(0, -4),
    'no JWT': 'x',
  }
  const { publicKey } = KEYS
  const pem = publicKey.export({ format: 'pem', type: 'spki' })
  forged['the public key as a secret'] = await new SignJWT({
    iss: 'signs',
    sub: 'signs',
    aud: ISSUER,
    exp: now + 60,
    jti: 'j',
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(pem))
  for (const [what, token] of Object.entries(forged)) {
    t.equal(await ask(token), 'invalid_client', what)
  }
  t.equal(await ask(await assertion(), { client_id: 'other' }), 'invalid_client', 'two names')
  const database = new DatabaseSync(files.sqlite)
  const { taken } = database.prepare('SELECT count(*) AS taken FROM client_assertions').get() as {
    taken: number
  }
  database.close()
  t.equal(taken, 4, 'what is refused is not written down')
})

test('private_key_jwt: of two at the same time, one', async (t) => {
  const { app } = await start(t, signing())
  const token = await assertion()
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post(app, PATHS.token, shown(token))))
  t.equal(answers.map(errorOf).filter((code) => code === BELIEVED).length, 1)
})

test('private_key_jwt: one client cannot sign for another, nor use up its jti', async (t) => {
  const other = pair()
  const entry = signing({ client_id: 'other', jwks: { keys: [jwkOf(other.publicKey)] } })
  const { app } = await start(t, signing(), entry)
  const jti = randomUUID()
  const ask = async (token: string) => errorOf(await post(app, PATHS.token, shown(token)))
  const own = { iss: 'other', sub: 'other', jti }
  t.equal(await ask(await assertion({ jti }, other.privateKey)), 'invalid_client')
  t.equal(await ask(await assertion(own, other.privateKey)), BELIEVED)
  t.equal(await ask(await assertion({ jti })), BELIEVED)
})

test('private_key_jwt: every algorithm that the metadata names', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed = generateKeyPairSync('ed25519')
  const keys = [KEYS.publicKey, rsa.publicKey, ed.publicKey].map((key) => jwkOf(key))
  const { app } = await start(t, signing({ jwks: { keys } }))
  for (const [alg, key] of [
    ['ES256', KEYS.privateKey],
    ['RS256', rsa.privateKey],
    ['PS256', rsa.privateKey],
    ['EdDSA', ed.privateKey],
    ['Ed25519', ed.privateKey],
  ] as const) {
    const answer = await post(app, PATHS.token, shown(await assertion({}, key, alg)))
    t.equal(errorOf(answer), BELIEVED, alg)
  }
})

test('private_key_jwt: keys that the client publishes, fetched now and then', async (t) => {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ keys: [jwkOf(KEYS.publicKey, 'one')] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  const entry = signing({ jwks_uri })
  delete entry.jwks
  const { app } = await start(t, entry)
  const signedBy = (kid: string, key = KEYS.privateKey) =>
    new SignJWT({ iss: 'signs', sub: 'signs', aud: ISSUER, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setExpirationTime('1m')
      .sign(key)
  const ask = async (token: string) => errorOf(await post(app, PATHS.token, shown(token)))
  t.equal(await ask(await signedBy('one')), BELIEVED)
  for (let time = 0; time < 5; time++) {
    t.equal(await ask(await signedBy(`made up ${time}`, pair().privateKey)), 'invalid_client')
  }
  t.equal(asked, 1, 'made-up names of keys are not asked about again and again')

  server.closeAllConnections()
  server.close()
  const gone = await start(t, entry)
  const answer = await post(gone.app, PATHS.token, shown(await signedBy('one')))
  t.equal(errorOf(answer), 'invalid_client', 'keys that cannot be had open nothing')
})

test("a confidential client's code and refresh token are worth nothing without its secret", async (t) => {
  const { app } = await start(t, confidential(), client())
  const redemption = await redemptionFor(app, 'a-server')
  t.equal(errorOf(await post(app, PATHS.token, redemption)), 'invalid_client')
  const stolen = { ...redemption, client_id: 'an-app' }
  t.equal(errorOf(await post(app, PATHS.token, stolen)), 'invalid_grant', 'by another client')
  const answer = await post(app, PATHS.token, redemption, basic('a-server', SECRET))
  t.equal(answer.statusCode, 200, 'the code was not used up by those')
  const { refresh_token } = answer.json<{ refresh_token: string }>()
  const refresh = { grant_type: 'refresh_token', refresh_token }
  for (const client_id of ['a-server', 'an-app']) {
    const refused = await post(app, PATHS.token, { ...refresh, client_id })
    t.not(refused.statusCode, 200, client_id)
  }
  t.equal((await post(app, PATHS.token, refresh, basic('a-server', SECRET))).statusCode, 200)
})
