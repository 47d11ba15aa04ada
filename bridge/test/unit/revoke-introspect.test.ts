import { test } from 'tap'
import { PATHS, type OAuthTokenResponse, type ValidateResponse } from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  API_AUDIENCE,
  errorOf,
  ISSUER,
  login,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import {
  basic,
  client,
  confidential,
  post,
  registering,
  SECRET,
  tokensOf,
} from '../registered-clients.ts'

const OTHER_AUDIENCE = 'https://other.example/api'
const SERVER = basic('a-server', SECRET)

const start = (t: Parameters<typeof registering>[0]) =>
  startBridge(
    t,
    registering(
      t,
      client(),
      client({ client_id: 'second-app' }),
      confidential(),
      confidential({ client_id: 'elsewhere', resources: [OTHER_AUDIENCE] }),
    ),
  )
type Bridge = Awaited<ReturnType<typeof start>>['app']

const revoke = (app: Bridge, token: string, client_id = 'an-app') =>
  post(app, PATHS.revoke, { token, client_id })

const isLive = async (app: Bridge, { access_token }: OAuthTokenResponse) =>
  (await validate(app, access_token)).json<ValidateResponse>().status === 'Valid'

test('an app gives back what it has, by either token, and by one that was replaced', async (t) => {
  const { app, odoo } = await start(t)
  for (const kind of ['access_token', 'refresh_token'] as const) {
    const tokens = await tokensOf(app, 'an-app')
    const answer = await revoke(app, tokens[kind])
    t.equal(answer.statusCode, 200, kind)
    t.equal(answer.body, '')
    t.notOk(await isLive(app, tokens), kind)
  }
  t.equal(odoo.sessions.size, 0, 'ended at Odoo, too')
  const first = await tokensOf(app, 'an-app')
  const refresh = { grant_type: 'refresh_token', client_id: 'an-app' }
  for (let token = first.refresh_token, time = 0; time < 2; time++) {
    const next = await post(app, PATHS.token, { ...refresh, refresh_token: token })
    token = next.json<OAuthTokenResponse>().refresh_token
  }
  await revoke(app, first.refresh_token)
  t.notOk(await isLive(app, first))
})

test("what is another's, forged, over or no token: 200, and nothing happens", async (t) => {
  const { app } = await start(t)
  const [mine, theirs] = [await tokensOf(app, 'an-app'), await tokensOf(app, 'a-server', SERVER)]
  const own = await login(app)
  const harmless = [
    theirs.access_token,
    theirs.refresh_token,
    accessTokenOf(own),
    refreshTokenOf(own),
    `${mine.access_token.slice(0, -4)}AAAA`,
    `${mine.refresh_token.slice(0, -4)}AAAA`,
    mine.access_token.split('.').slice(0, 2).join('.'),
    'x',
    '\u0000',
  ]
  for (const token of harmless) {
    const answer = await revoke(app, token)
    t.equal(answer.statusCode, 200, token)
    t.equal(answer.body, '')
  }
  t.ok(await isLive(app, mine))
  t.ok(await isLive(app, theirs))
  t.equal((await validate(app, accessTokenOf(own))).json<ValidateResponse>().status, 'Valid')
  await revoke(app, mine.access_token)
  t.equal((await revoke(app, mine.access_token)).statusCode, 200, 'a second time')
})

test('who gives back must say, or prove, who it is', async (t) => {
  const { app } = await start(t)
  const theirs = await tokensOf(app, 'a-server', SERVER)
  const { access_token: token } = theirs
  t.equal(errorOf(await revoke(app, token, 'a-server')), 'invalid_client')
  t.equal(errorOf(await revoke(app, token, 'nobody')), 'invalid_client')
  t.equal(errorOf(await post(app, PATHS.revoke, { token })), 'invalid_client')
  t.equal(errorOf(await post(app, PATHS.revoke, { client_id: 'an-app' })), 'invalid_request')
  t.ok(await isLive(app, theirs))
  t.equal((await post(app, PATHS.revoke, { token }, SERVER)).statusCode, 200)
  t.notOk(await isLive(app, theirs))
})

const introspect = async (app: Bridge, token: string, headers: Record<string, string> = SERVER) =>
  (await post(app, PATHS.introspect, { token }, headers)).json<Record<string, unknown>>()

test('a client is told of tokens that are its own, or meant for it', async (t) => {
  const { app } = await start(t)
  const own = await tokensOf(app, 'a-server', SERVER)
  const { exp, iat, jti } = accessClaims(own.access_token)
  t.match(await introspect(app, own.access_token), {
    active: true,
    iss: ISSUER,
    sub: '6',
    aud: API_AUDIENCE,
    client_id: 'a-server',
    scope: 'odoo.read odoo.write',
    token_type: 'Bearer',
    exp,
    iat,
    jti,
  })
  const refresh = await introspect(app, own.refresh_token)
  t.match(refresh, { active: true, sub: '6', client_id: 'a-server', scope: 'odoo.read odoo.write' })
  t.notOk('token_type' in refresh)
  const app1 = await tokensOf(app, 'an-app')
  t.match(await introspect(app, app1.access_token), { active: true, client_id: 'an-app' })
})

test('of all others it learns nothing, not even whether they are good', async (t) => {
  const { app } = await start(t)
  const [own, others] = [await tokensOf(app, 'a-server', SERVER), await tokensOf(app, 'an-app')]
  const elsewhere = basic('elsewhere', SECRET)
  const nothing: [string, string, Record<string, string>][] = [
    ["another client's refresh token", others.refresh_token, SERVER],
    ['a token for another audience', others.access_token, elsewhere],
    ['a cookie', refreshTokenOf(await login(app)), SERVER],
    ['a forged one', `${own.access_token.slice(0, -4)}AAAA`, SERVER],
    ['none', 'x', SERVER],
  ]
  for (const [what, token, headers] of nothing) {
    t.same(await introspect(app, token, headers), { active: false }, what)
  }
})

test('a token is active for as long as its session, and a refresh token until it is replaced', async (t) => {
  const { app } = await start(t)
  const first = await tokensOf(app, 'a-server', SERVER)
  const refreshing = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
  const next = await post(app, PATHS.token, refreshing, SERVER)
  const { refresh_token, access_token } = next.json<OAuthTokenResponse>()
  t.same(await introspect(app, first.refresh_token), { active: false }, 'replaced')
  t.match(await introspect(app, refresh_token), { active: true })
  const again = await post(app, PATHS.token, { ...refreshing, refresh_token }, SERVER)
  t.equal(again.statusCode, 200, 'a look was no use')
  await post(app, PATHS.revoke, { token: access_token }, SERVER)
  for (const token of [first.access_token, access_token, refresh_token]) {
    t.same(await introspect(app, token), { active: false })
  }
})

test('introspection is for clients that prove who they are', async (t) => {
  const { app } = await start(t)
  const { access_token: token } = await tokensOf(app, 'an-app')
  for (const [body, headers] of [
    [{ token, client_id: 'an-app' }, {}],
    [{ token, client_id: 'a-server' }, {}],
    [{ token }, basic('a-server', 'wrong')],
    [{ token }, { authorization: `Bearer ${token}` }],
    [{ token }, {}],
  ] as const) {
    const answer = await post(app, PATHS.introspect, body, headers)
    t.equal(errorOf(answer), 'invalid_client')
    t.notMatch(answer.body, 'active')
  }
  const page = { ...SERVER, origin: 'https://evil.example' }
  const fromPage = await post(app, PATHS.introspect, { token }, page)
  t.equal(errorOf(fromPage), 'origin_refused')
})

test('the metadata names what is there', async (t) => {
  const { app } = await start(t)
  t.match((await app.inject({ url: PATHS.authorizationServerMetadata })).json(), {
    revocation_endpoint: `${ISSUER}/oauth/revoke`,
    introspection_endpoint: `${ISSUER}/oauth/introspect`,
    token_endpoint_auth_methods_supported: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
  })
})
