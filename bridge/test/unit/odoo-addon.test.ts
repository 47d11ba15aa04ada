import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { ASSERTION_TYP, type AssertionClaims } from '../../src/contract/index.ts'
import { fileKeys } from '../../src/keys/file.ts'
import { addonOdoo } from '../../src/odoo/addon.ts'
import { odooHttp } from '../../src/odoo/http.ts'
import { OdooSessionEnded, OdooUnavailable, type OdooUser } from '../../src/odoo/port.ts'
import { createAssertions } from '../../src/tokens/assertion.ts'
import { accessTokenOf, ISSUER, login, startBridge, validate } from '../helper.ts'
import { unobserved } from '../key-events.ts'

interface Asked {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

const PROFILE = { uid: 6, active: true, groups: ['base.group_user', 'x.y'], stamp: 'the stamp' }

const FROM = { clientAddress: '198.51.100.7', userAgent: 'a test', totp: undefined }

const USER: OdooUser = {
  uid: 6,
  odooSession: null,
  odooStamp: 'the stamp',
  onRotated: () => Promise.resolve(),
  reload: () => Promise.resolve(undefined),
  accessToken: () => Promise.resolve('an access token'),
}

/** An Odoo that writes down what it is asked, and answers what it is told. */
async function start(t: Test) {
  const asked: Asked[] = []
  const answer: { status: number; body: unknown } = { status: 200, body: {} }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { url = '', headers } = request
      asked.push({ path: url, headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(answer.status).end(JSON.stringify(answer.body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const http = odooHttp({ baseUrl: `http://127.0.0.1:${port}`, timeout: 2000, connections: 2 })
  const keys = fileKeys(`${t.testdir({})}/keys.json`, 'ES256', unobserved)
  t.teardown(async () => {
    await http.close()
    server.close()
  })
  const odoo = addonOdoo({
    http,
    checkHttp: http,
    roleMap: { 'base.group_user': 'internal', 'base.group_system': 'admin' },
    issuer: ISSUER,
    assertion: createAssertions(keys.signer, ISSUER, 'odoo:the-uuid'),
  })
  return { odoo, asked, answer }
}

const parts = (token: string) =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown)

test('each request is proven by an assertion of its own, for it alone', async (t) => {
  const { odoo, asked, answer } = await start(t)
  answer.body = { outcome: 'identity', amr: ['pwd'], ...PROFILE }
  const result = await odoo.signIn({ login: 'demo', password: 'demo', ...FROM })
  t.same(result, {
    outcome: 'identity',
    identity: {
      uid: 6,
      amr: ['pwd'],
      roles: ['internal'],
      groups: PROFILE.groups,
      odooSession: null,
      odooStamp: 'the stamp',
      authTime: null,
      odooBrowser: null,
    },
  })
  answer.body = PROFILE
  t.same(await odoo.check(USER), { roles: ['internal'], groups: PROFILE.groups })

  const claims = asked.map(({ path, headers, body }) => {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    const [header, payload] = parts(token) as [{ typ: string }, AssertionClaims]
    t.equal(header.typ, ASSERTION_TYP)
    const digest = createHash('sha256').update(body).digest('base64')
    t.match(payload, {
      iss: ISSUER,
      aud: 'odoo:the-uuid',
      htm: 'POST',
      htu: path,
      content_digest: `sha-256=:${digest}:`,
    })
    t.equal(payload.exp - payload.iat, 60)
    return payload
  })
  t.not(claims[0]?.jti, claims[1]?.jti)
  t.match(asked[0]?.headers, {
    'x-forwarded-for': '198.51.100.7',
    'x-forwarded-host': 'localhost:8080',
    'user-agent': 'a test',
  })
})

test('an assertion is worth nothing where an access token is asked for', async (t) => {
  const { app, files } = await startBridge(t)
  const good = accessTokenOf(await login(app))
  const { signer } = fileKeys(files.keys, 'ES256', unobserved)
  const [, claims] = parts(good)
  const statusOf = async (token: string) =>
    (await validate(app, token)).json<{ status: string }>().status
  t.equal(await statusOf(await signer.sign('at+jwt', claims as object)), 'Valid', 'able')
  t.equal(await statusOf(await signer.sign(ASSERTION_TYP, claims as object)), 'Invalid')
})

test('whoever is not who they were at sign-in is over', async (t) => {
  const { odoo, answer } = await start(t)
  const over = [
    { uid: 6, active: false },
    { ...PROFILE, stamp: 'another' },
  ]
  for (const body of over) {
    answer.body = body
    await t.rejects(odoo.check(USER), OdooSessionEnded)
  }
  answer.body = PROFILE
  await t.rejects(odoo.check({ ...USER, odooStamp: null }), OdooSessionEnded, 'no stamp fits none')
})

test('the four outcomes, and an addon that is not there or not paired', async (t) => {
  const { odoo, answer } = await start(t)
  const signIn = () => odoo.signIn({ login: 'demo', password: 'demo', ...FROM })
  for (const outcome of ['denied', 'second_factor_required', 'second_factor_denied']) {
    answer.body = { outcome, method: 'totp' }
    t.same(await signIn(), { outcome })
  }
  for (const status of [303, 400, 401, 404, 500, 503]) {
    answer.status = status
    await t.rejects(signIn(), OdooUnavailable, String(status))
    await t.rejects(odoo.check(USER), OdooUnavailable, 'which ends no session')
    await t.rejects(odoo.ping(), OdooUnavailable, 'and the bridge is not ready')
  }
  answer.status = 200
  await t.resolves(odoo.ping())
})

test('who is looked up is told whole, and a second factor unless there is none', async (t) => {
  const { odoo, asked, answer } = await start(t)
  answer.body = { ...PROFILE, login: 'demo', second_factor: false }
  const identity = {
    uid: 6,
    roles: ['internal'],
    groups: PROFILE.groups,
    amr: [],
    odooSession: null,
    odooStamp: 'the stamp',
    authTime: null,
    odooBrowser: null,
  }
  t.same(await odoo.lookup({ login: 'demo' }), { identity, secondFactor: false })
  t.ok(await odoo.lookup({ login: 'DEMO' }), "Odoo's logins are")
  t.equal(await odoo.lookup({ login: 'demo@example.com' }), undefined, 'found by something else')
  const account = { oauth: { provider: 3, uid: 'Ada-1' } }
  for (const second_factor of [true, undefined, null]) {
    answer.body = { ...PROFILE, login: 'demo', second_factor }
    t.same(await odoo.lookup(account), { identity, secondFactor: true })
  }
  t.same(JSON.parse(asked.at(-1)?.body ?? ''), account)
  answer.body = { uid: null, active: false }
  t.equal(await odoo.lookup(account), undefined)
})

test('calls carry the user’s own access token, and one for all of a request', async (t) => {
  const { odoo, asked, answer } = await start(t)
  answer.body = { jsonrpc: '2.0', id: null, result: [{ id: 1, name: 'Azure' }] }
  let made = 0
  const client = odoo.asUser({ ...USER, accessToken: () => Promise.resolve(`token ${++made}`) })
  await client.searchRead('res.partner', [], ['name'])
  await client.read('res.partner', [1], ['name'])
  t.same(
    asked.map(({ path, headers }) => [path, headers.authorization]),
    [
      ['/auth_drawbridge/1/call/res.partner/search_read', 'Bearer token 1'],
      ['/auth_drawbridge/1/call/res.partner/read', 'Bearer token 1'],
    ],
  )
  const name = 'odoo.addons.auth_drawbridge.exceptions.InvalidToken'
  answer.body = { error: { message: 'x', data: { name, message: 'x' } } }
  await t.rejects(client.read('res.partner', [1], ['name']), OdooSessionEnded)
})

test('whether Odoo counts per client is seen from what it takes the caller for', async (t) => {
  const { odoo, asked, answer } = await start(t)
  answer.body = { client_address: '192.0.2.1' }
  t.equal(await odoo.believesForwardedAddress(), true)
  t.equal(asked[0]?.headers['x-forwarded-for'], '192.0.2.1')
  answer.body = { client_address: '127.0.0.1' }
  t.equal(await odoo.believesForwardedAddress(), false)
})
