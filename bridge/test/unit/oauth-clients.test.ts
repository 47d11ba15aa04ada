import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import type { ClientEntry } from '../../src/clients/schema.ts'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { redeemCode } from '../../src/oauth/authorization-code.ts'
import type { Redemption, SessionStore } from '../../src/sessions/port.ts'
import {
  accessClaims,
  ageChecks,
  API_AUDIENCE,
  errorOf,
  login,
  REDIRECT_URI,
  refreshClaims,
  startBridge,
} from '../helper.ts'
import { answerOf, fieldOf, idClaims, openBrowser, requestUrl, type Change } from '../app.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import {
  authorizeAs,
  basic,
  client,
  confidential,
  post,
  redemptionFor,
  registering,
  SECRET,
  tokensOf,
} from '../registered-clients.ts'
import { until } from '../until.ts'

const DEMO = { login: 'demo', password: 'demo' }
const OTHER_AUDIENCE = 'https://other.example/api'
const refreshAs = (client_id: string, refresh_token: string) => ({
  grant_type: 'refresh_token',
  client_id,
  refresh_token,
})

test('a client has the grants that it is registered for, and no others', async (t) => {
  const codeOnly = client({ client_id: 'code-only', grant_types: ['authorization_code'] })
  const { app } = await startBridge(t, registering(t, client(), codeOnly))
  const answer = await post(app, PATHS.token, await redemptionFor(app, 'code-only'))
  t.equal(answer.statusCode, 200)
  t.notOk('refresh_token' in answer.json<object>(), 'what it may not use it does not get')
  const { refresh_token } = await tokensOf(app, 'an-app')
  const refused = await post(app, PATHS.token, refreshAs('code-only', refresh_token))
  t.equal(errorOf(refused), 'unauthorized_client')
  const machine = { grant_type: 'client_credentials', client_id: 'an-app' }
  t.equal(errorOf(await post(app, PATHS.token, machine)), 'unauthorized_client')
  const unknown = { grant_type: 'password', client_id: 'an-app' }
  t.equal(errorOf(await post(app, PATHS.token, unknown)), 'unsupported_grant_type')
})

test('lives of tokens and sessions are those of the client', async (t) => {
  const short = client({
    client_id: 'short',
    access_token_ttl: 60,
    refresh_idle_ttl: 100,
    refresh_absolute_ttl: 150,
  })
  const { app } = await startBridge(t, registering(t, short, client()))
  const tokens = await tokensOf(app, 'short')
  t.equal(tokens.expires_in, 60)
  const lives = ({ access_token, refresh_token }: OAuthTokenResponse) => {
    const [access, refresh] = [accessClaims(access_token), refreshClaims(refresh_token)]
    return [access.exp - access.iat, refresh.exp - refresh.iat]
  }
  t.same(lives(tokens), [60, 100])
  const next = await post(app, PATHS.token, refreshAs('short', tokens.refresh_token))
  t.same(lives(next.json()), [60, 100], 'after a refresh, too')
  t.same(lives(await tokensOf(app, 'an-app')), [600, 6 * 86400], "the bridge's own")

  const absolute = client({ client_id: 'short', refresh_absolute_ttl: 50 })
  const bounded = await startBridge(t, registering(t, absolute))
  // The session begins with the code, and its tokens come a moment later.
  const now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  t.same(lives(await tokensOf(bounded.app, 'short')), [50, 50], 'nothing outlives the session')
})

test('resource chooses among what was granted, and never more', async (t) => {
  const two = client({ resources: [API_AUDIENCE, OTHER_AUDIENCE] })
  const { app } = await startBridge(t, registering(t, two))
  const redemption = await redemptionFor(app, 'an-app')
  const ask = (body: Record<string, string>, resource: string) =>
    post(app, PATHS.token, { ...body, resource })
  const never = await ask(redemption, 'https://evil.example')
  t.equal(errorOf(never), 'invalid_target')
  t.equal((await ask(redemption, API_AUDIENCE)).statusCode, 200, 'and the code is still good')

  const other = await redemptionFor(app, 'an-app')
  t.equal(errorOf(await ask(other, OTHER_AUDIENCE)), 'invalid_target', 'registered, not granted')

  const { refresh_token } = await tokensOf(app, 'an-app')
  const refresh = refreshAs('an-app', refresh_token)
  for (const resource of [OTHER_AUDIENCE, 'https://evil.example', `${API_AUDIENCE} x`]) {
    t.equal(errorOf(await ask(refresh, resource)), 'invalid_target', resource)
  }
  const next = await ask(refresh, API_AUDIENCE)
  t.equal(accessClaims(next.json<OAuthTokenResponse>().access_token).aud, API_AUDIENCE)
  const { gen } = refreshClaims(next.json<OAuthTokenResponse>().refresh_token)
  t.equal(gen, 1, 'what was refused moved nothing')
})

test('the PWA and its cookie have no business at the token endpoint', async (t) => {
  const { app } = await startBridge(t)
  const cookie = (await login(app)).cookies.find(({ name }) => name === 'drawbridge_refresh')
  const refused = await post(app, PATHS.token, refreshAs('drawbridge-pwa', cookie?.value ?? ''))
  t.equal(errorOf(refused), 'invalid_grant')
})

test('who is in none of the groups of a client may not sign in with it', async (t) => {
  const sales: ClientEntry = client({ client_id: 'sales', groups: ['sale.group_a'] })
  const { app, odoo } = await startBridge(t, registering(t, sales, client()))
  const challenge = { code_challenge: 'x'.repeat(43) }
  const ask = () => authorizeAs(app, { client_id: 'sales', ...challenge })
  const refused = await ask()
  t.notMatch(refused.headers.location ?? '', /[?&]code=/)
  t.equal(odoo.sessions.size, 0, 'nothing is left behind at Odoo')
  const anybody = await authorizeAs(app, { client_id: 'an-app', ...challenge })
  t.match(anybody.headers.location, /[?&]code=/)
  odoo.groups['demo'] = ['base.group_user', 'sale.group_a']
  t.match((await ask()).headers.location, /[?&]code=/)
})

test('who is put out of the groups of a client is out at the next check', async (t) => {
  const sales = client({ client_id: 'sales', groups: ['sale.group_a'] })
  const { app, odoo, files } = await startBridge(t, registering(t, sales, client()))
  odoo.groups['demo'] = ['base.group_user', 'sale.group_a']
  const [mine, others] = [await tokensOf(app, 'sales'), await tokensOf(app, 'an-app')]
  odoo.groups['demo'] = ['base.group_user']
  ageChecks(files.sqlite, 301)
  const refused = await post(app, PATHS.token, refreshAs('sales', mine.refresh_token))
  t.equal(errorOf(refused), 'invalid_grant')
  odoo.groups['demo'] = ['base.group_user', 'sale.group_a']
  const again = await post(app, PATHS.token, refreshAs('sales', mine.refresh_token))
  t.equal(errorOf(again), 'invalid_grant', 'the session is over')
  const other = await post(app, PATHS.token, refreshAs('an-app', others.refresh_token))
  t.equal(other.statusCode, 200, 'the one at another client is not')
})

test('PKCE can be neither stripped from a code nor made up for one', async (t) => {
  const asked: Redemption[] = []
  const store = {
    redeemCode: (redemption: Redemption) => {
      asked.push(redemption)
      return Promise.resolve(undefined)
    },
    sidOfRedeemedCode: () => Promise.resolve(undefined),
  } as unknown as SessionStore
  const presented = { code: 'c', client_id: 'a', redirect_uri: 'r' }
  await redeemCode(store, { ...presented, code_verifier: undefined })
  await redeemCode(store, { ...presented, code_verifier: 'v'.repeat(43) })
  await redeemCode(store, { ...presented, code_verifier: '' })
  const [without, withVerifier, ...others] = asked
  t.equal(without?.code_challenge, '', 'fits a code that was asked for without a challenge alone')
  t.match(withVerifier?.code_challenge, /^[\w-]{43}$/, 'fits no such code')
  t.same(others, [], 'an empty verifier is none')

  const { app } = await startBridge(t, registering(t, client()))
  const stripped: Record<string, string> = await redemptionFor(app, 'an-app')
  delete stripped['code_verifier']
  t.equal(errorOf(await post(app, PATHS.token, stripped)), 'invalid_request')
  const server = confidential({ require_pkce: false })
  const lenient = await startBridge(t, registering(t, server))
  const code: Record<string, string> = await redemptionFor(lenient.app, 'a-server')
  delete code['code_verifier']
  const refused = await post(lenient.app, PATHS.token, code, basic('a-server', SECRET))
  t.equal(errorOf(refused), 'invalid_grant', 'of a client that need not use PKCE, but did')
})

test('old software without PKCE, all the way', async (t) => {
  const server = confidential({ require_pkce: false })
  const { app } = await startBridge(t, registering(t, server, client()))
  const browser = openBrowser(app)
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  const ask = async (change: Change) =>
    browser.send(requestUrl({ client_id: 'a-server', ...without, ...change }), DEMO)
  const redemption = (answer: Awaited<ReturnType<typeof ask>>) => ({
    grant_type: 'authorization_code',
    client_id: 'a-server',
    redirect_uri: REDIRECT_URI,
    code: answerOf(answer).get('code') ?? '',
  })
  const proof = basic('a-server', SECRET)
  const tokens = await post(app, PATHS.token, redemption(await ask({})), proof)
  t.equal(tokens.statusCode, 200)
  const { id_token, access_token } = tokens.json<OAuthTokenResponse>()
  t.match(idClaims(id_token), { aud: 'a-server', nonce: 'the nonce' })
  t.equal(accessClaims(access_token).client_id, 'a-server')

  const made = { ...redemption(await ask({})), code_verifier: 'v'.repeat(43) }
  t.equal(errorOf(await post(app, PATHS.token, made, proof)), 'invalid_grant', 'made up on the way')
  t.equal(errorOf(await post(app, PATHS.token, redemption(await ask({})))), 'invalid_client')
  for (const change of [
    { client_id: 'an-app' },
    { code_challenge_method: 'S256' },
    { code_challenge: '' },
    { code_challenge: '', code_challenge_method: 'S256' },
    { code_challenge: 'x'.repeat(43) },
    { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' },
  ]) {
    const refused = await ask(change)
    t.equal(answerOf(refused).get('error'), 'invalid_request', JSON.stringify(change))
  }
})

test('a native app comes back at whichever port it got', async (t) => {
  const native = client({ redirect_uris: ['http://127.0.0.1/back'] })
  const { app } = await startBridge(t, registering(t, native))
  const browser = openBrowser(app)
  const ask = (redirect_uri: string) =>
    browser.send(requestUrl({ client_id: 'an-app', redirect_uri }), DEMO)
  const good = 'http://127.0.0.1:53127/back'
  const held_identity = fieldOf((await ask(good)).body, 'held_identity')
  const url = requestUrl({ client_id: 'an-app', redirect_uri: good })
  const answer = await browser.send(url, { held_identity, consent: 'allow' })
  t.match(answer.headers.location, /^http:\/\/127\.0\.0\.1:53127\/back\?code=/)
  for (const address of [
    'http://127.0.0.1:53127/other',
    'http://127.0.0.1:53127@evil.example/back',
    'http://localhost:53127/back',
    'https://127.0.0.1:53127/back',
  ]) {
    const refused = await ask(address)
    t.equal(refused.statusCode, 400, address)
    t.notOk(refused.headers.location)
  }
})

test('who listens at another port of the machine gets nothing without the person', async (t) => {
  const redirect_uris = ['http://127.0.0.1/back', 'http://127.0.0.1:4000/back']
  const { app } = await startPairedBridge(
    t,
    registering(t, client({ redirect_uris }), confidential({ redirect_uris })),
  )
  const browser = openBrowser(app)
  const address = (port: string, change: Change = {}) =>
    requestUrl({ client_id: 'an-app', redirect_uri: `http://127.0.0.1${port}/back`, ...change })
  const own = address(':53127')
  const held_identity = fieldOf((await browser.send(own, DEMO)).body, 'held_identity')
  t.ok(answerOf(await browser.send(own, { held_identity, consent: 'allow' })).get('code'))

  for (const port of [':53127', ':53128', '']) {
    const again = await browser.open(address(port))
    const asked = port === '' ? 303 : 200
    t.equal(again.statusCode, asked, `${port}: of the house, allowed before, signed in`)
    const silent = await browser.open(address(port, { prompt: 'none' }))
    t.equal(answerOf(silent).get('error'), port === '' ? null : 'consent_required')
  }
  const exact = await browser.open(address(':4000'))
  t.ok(answerOf(exact).get('code'), 'an address that is registered as it is')
  const server = await browser.open(address(':53127', { client_id: 'a-server' }))
  t.ok(answerOf(server).get('code'), 'a code is worth nothing without its secret')
})

test('a client that is registered while the bridge runs, and one that is taken out', async (t) => {
  const settings = registering(t, client())
  const { app } = await startBridge(t, settings)
  const { refresh_token } = await tokensOf(app, 'an-app')
  const untilCounted = (line: string) =>
    until(async () => (await app.inject({ url: '/metrics' })).body.includes(line))
  writeFileSync(settings.CLIENTS_FILE, '[{}]')
  await untilCounted('drawbridge_clients_reloads_total{outcome="failed"} 1')
  const refresh = refreshAs('an-app', refresh_token)
  const next = await post(app, PATHS.token, refresh)
  t.equal(next.statusCode, 200, 'a broken file changes nothing')
  writeFileSync(settings.CLIENTS_FILE, JSON.stringify([client({ client_id: 'new' })]))
  await untilCounted('drawbridge_clients_reloads_total{outcome="ok"} 1')
  t.ok((await tokensOf(app, 'new')).access_token)
  const last = next.json<OAuthTokenResponse>().refresh_token
  const refused = await post(app, PATHS.token, refreshAs('an-app', last))
  t.equal(errorOf(refused), 'invalid_client', 'what it still has is worth nothing here')
  const others = await post(app, PATHS.token, refreshAs('new', last))
  t.equal(errorOf(others), 'invalid_grant')
})
