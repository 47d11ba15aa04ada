import { test, type Test } from 'tap'
import type { ClientEntry } from '../../src/clients/schema.ts'
import {
  PATHS,
  type RevocationsPage,
  type SessionsResponse,
  type TokenResponse,
  type ValidateResponse,
} from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  API_AUDIENCE,
  errorOf,
  GATE_CREDENTIAL,
  login,
  startBridge,
  validate,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { basic, post, registering, SECRET, sha256 } from '../registered-clients.ts'

const OTHER_AUDIENCE = 'https://other.example/api'

const machine = (change: Partial<ClientEntry> = {}): ClientEntry => ({
  client_id: 'a-machine',
  client_name: 'Nightly export',
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret_sha256: sha256(SECRET),
  odoo_login: 'other',
  scope: 'odoo.read odoo.write',
  resources: [API_AUDIENCE, OTHER_AUDIENCE],
  access_token_ttl: 300,
  ...change,
})

async function start(t: Test, ...clients: ClientEntry[]) {
  const bridge = await startPairedBridge(t, registering(t, ...clients))
  const ask = (body: Record<string, string> = {}, id = 'a-machine', secret = SECRET) =>
    post(bridge.app, PATHS.token, { grant_type: 'client_credentials', ...body }, basic(id, secret))
  return { ...bridge, ask }
}

test('a machine acts as the Odoo user that it is registered for', async (t) => {
  const { ask } = await start(t, machine())
  const answer = await ask()
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  const tokens = answer.json<TokenResponse>()
  t.match(tokens, { token_type: 'Bearer', expires_in: 300, scope: 'odoo.read odoo.write' })
  t.notOk('refresh_token' in tokens)
  const claims = accessClaims(tokens.access_token)
  t.match(claims, { sub: '7', aud: API_AUDIENCE, client_id: 'a-machine', amr: [] })
  t.equal(claims.exp - claims.iat, 300)

  const less = await ask({ scope: 'odoo.read', resource: OTHER_AUDIENCE })
  t.match(accessClaims(less.json<TokenResponse>().access_token), {
    scope: 'odoo.read',
    aud: OTHER_AUDIENCE,
  })
})

test('a machine is nobody: it gets no ID token', async (t) => {
  const { ask } = await start(t, machine({ scope: 'openid odoo.read' }))
  const answer = await ask({ scope: 'openid odoo.read' })
  t.equal(answer.statusCode, 200)
  t.notOk('id_token' in answer.json<TokenResponse>())
  t.notOk('refresh_token' in answer.json<TokenResponse>())
})

test('and nothing beyond', async (t) => {
  const { ask, addon } = await start(t, machine())
  t.equal(errorOf(await ask({ scope: 'odoo.admin' })), 'invalid_scope')
  t.equal(errorOf(await ask({ scope: 'odoo.read  odoo.write' })), 'invalid_scope')
  t.equal(errorOf(await ask({ resource: 'odoo:the-uuid' })), 'invalid_target')
  t.equal(errorOf(await ask({ resource: `${API_AUDIENCE} ${OTHER_AUDIENCE}` })), 'invalid_target')
  t.equal(errorOf(await ask({ odoo_login: 'demo' }, 'a-machine', 'wrong')), 'invalid_client')
  t.notOk(addon.calls.includes('lookup'), 'none of these costs Odoo a question')
  const named = await ask({ odoo_login: 'demo', login: 'demo', sub: '6' })
  t.equal(accessClaims(named.json<TokenResponse>().access_token).sub, '7', 'whoever it asks for')
})

test('its user gone, archived or in none of the groups: no token', async (t) => {
  const { ask, addon } = await start(
    t,
    machine(),
    machine({ client_id: 'typo', odoo_login: 'nobody' }),
    machine({ client_id: 'sales', groups: ['sale.group_a'] }),
  )
  t.equal(errorOf(await ask({}, 'typo')), 'unauthorized_client')
  t.equal(errorOf(await ask({}, 'sales')), 'unauthorized_client')
  addon.groups.push('sale.group_a')
  t.equal((await ask({}, 'sales')).statusCode, 200)
  addon.stamps.delete(7)
  t.equal(errorOf(await ask()), 'unauthorized_client')
  addon.failWith = 502
  t.equal(errorOf(await ask()), 'odoo_unavailable')
})

test('its session is seen, and ended, by its user, and is over with its token', async (t) => {
  const { app, ask } = await start(t, machine())
  const token = (await ask()).json<TokenResponse>().access_token
  const { sid, exp } = accessClaims(token)
  const isGood = async () =>
    (await validate(app, token)).json<ValidateResponse>().status === 'Valid'
  t.ok(await isGood())

  const own = accessTokenOf(await login(app, { login: 'other', password: 'other' }))
  const headers = { authorization: `Bearer ${own}` }
  const list = await app.inject({ url: PATHS.sessions, headers })
  const { sessions } = list.json<SessionsResponse>()
  t.match(
    sessions.find((session) => session.sid === sid),
    { client_name: 'Nightly export', current: false },
  )
  const ended = await app.inject({ method: 'DELETE', url: `${PATHS.sessions}/${sid}`, headers })
  t.equal(ended.statusCode, 204)
  t.notOk(await isGood())
  const feed = await app.inject({
    url: PATHS.revocations,
    headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
  })
  const [, until = 0] =
    feed.json<RevocationsPage>().sessions.find(([revoked]) => revoked === sid) ?? []
  t.ok(until >= exp, 'gates refuse it to its end')
})

test('client_credentials is offered where it can be had', async (t) => {
  const grantsOf = async (app: Awaited<ReturnType<typeof start>>['app']) => {
    const answer = await app.inject({ url: PATHS.authorizationServerMetadata })
    return answer.json<{ grant_types_supported: string[] }>().grant_types_supported
  }
  t.ok((await grantsOf((await start(t)).app)).includes('client_credentials'))
  const stock = await startBridge(t)
  t.same(await grantsOf(stock.app), ['authorization_code', 'refresh_token'])
})
