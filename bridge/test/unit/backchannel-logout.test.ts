/** Apps are told that their users are signed out. @see OpenID Connect Back-Channel Logout 1.0 */
import { test } from 'tap'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { answerOf, DEMO, idClaims, openBrowser, redeem, requestUrl } from '../app.ts'
import { accessClaims, ISSUER, logout, startBridge, validate } from '../helper.ts'
import { startLogoutReceiver, verifyLogoutToken } from '../logout-receiver.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import {
  basic,
  client,
  confidential,
  post,
  registering,
  SECRET,
  tokensOf,
} from '../registered-clients.ts'
import {
  APP,
  browserToken,
  cookieOf,
  devices,
  keysOf,
  OFFLINE,
  refresh,
  startToldApp,
  type Tokens,
} from '../told-app.ts'
import { until } from '../until.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
test('the app learns who is signed out, of what, and nothing else', async (t) => {
  const bridge = await startToldApp(t)
  const { id_token } = await bridge.signIn()
  await logout(bridge.app, cookieOf(bridge.browser.cookies))
  const [received] = await bridge.receiver.came(1)
  const token = received?.logoutToken ?? ''
  t.equal(received?.body, `logout_token=${token}`, 'nothing beside it')
  const { sub, sid } = idClaims(id_token)
  const keys = await keysOf(bridge)
  const claims = await verifyLogoutToken(token, keys, ISSUER, 'an-app')
  t.match(claims, { sub, sid, events: { [EVENT]: {} } })
  t.same(Object.keys(claims).sort(), 'aud events exp iat iss jti sid sub'.split(' '))
  const metadata = (await bridge.app.inject({ url: PATHS.openidConfiguration })).json<object>()
  t.match(metadata, {
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })

  await t.test('whoever looks sees what is forged', async (t) => {
    const other = await startToldApp(t)
    const [head = '', body = '', signature = ''] = token.split('.')
    const forged = (change: object) =>
      [head, Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url')].join('.')
    const refused = [
      verifyLogoutToken(token, keys, ISSUER, 'second-app'),
      verifyLogoutToken(token, keys, 'https://other.example', 'an-app'),
      verifyLogoutToken(token, await keysOf(other), ISSUER, 'an-app'),
      verifyLogoutToken(`${forged({ sid: 'another' })}.${signature}`, keys, ISSUER, 'an-app'),
      verifyLogoutToken(`${head}.${body}.`, keys, ISSUER, 'an-app'),
      verifyLogoutToken(id_token ?? '', keys, ISSUER, 'an-app'),
    ]
    for (const verdict of await Promise.allSettled(refused)) t.equal(verdict.status, 'rejected')
  })

  await t.test('it opens nothing at the bridge', async (t) => {
    const { browser, app } = bridge
    const next = await bridge.signIn()
    await logout(app, cookieOf(browser.cookies))
    const logoutToken = (await bridge.receiver.came(2))[1]?.logoutToken ?? ''
    t.equal(
      (await validate(app, logoutToken, 'an-app')).json<{ status: string }>().status,
      'Invalid',
    )
    const userinfo = { authorization: `Bearer ${logoutToken}` }
    t.equal((await app.inject({ url: PATHS.userinfo, headers: userinfo })).statusCode, 401)
    t.equal((await refresh(bridge, logoutToken)).statusCode, 400)
    const hint = `${PATHS.endSession}?id_token_hint=${logoutToken}`
    t.equal((await browser.open(hint)).statusCode, 400, 'and is no hint, as an ID token is')
    t.equal((await browser.open(hint.replace(logoutToken, next.id_token ?? ''))).statusCode, 200)
  })
})

test('each app of the browser is told of its own session, those that want to be', async (t) => {
  const bridge = await startToldApp(t)
  const tokens = [
    await bridge.signIn(),
    await bridge.letIn({ client_id: 'second-app' }),
    await bridge.letIn(APP),
  ]
  const silent = await bridge.letIn({ client_id: 'silent-app' })
  const unredeemed = await bridge.browser.open(requestUrl({ client_id: 'second-app' }))
  t.ok(answerOf(unredeemed).get('code'))
  await logout(bridge.app, cookieOf(bridge.browser.cookies))
  const received = await bridge.receiver.came(3)
  await bridge.app.close()
  const told = received.map(({ logoutToken }) => idClaims(logoutToken))
  t.same(
    told.map(({ aud, sid }) => `${aud} ${sid}`).sort(),
    tokens
      .map(({ id_token }) => idClaims(id_token))
      .map(({ aud, sid }) => `${aud} ${sid}`)
      .sort(),
  )
  t.equal(new Set(told.map((claims) => (claims as unknown as { jti: string }).jti)).size, 3)
  t.notOk(told.some(({ sid }) => sid === idClaims(silent.id_token).sid))
})

test('who signs in again in the same browser is not signed out of anything', async (t) => {
  const bridge = await startToldApp(t)
  await bridge.signIn()
  const again = await bridge.signIn({ prompt: 'login' })
  const { sid } = idClaims(again.id_token)
  await devices(bridge, await browserToken(bridge), 'DELETE', `/${sid}`)
  const [received] = await bridge.receiver.came(1)
  t.equal(idClaims(received?.logoutToken).sid, sid, 'the first word is of what came later')
})

test('offline_access: told of the sign-out, the refresh token stays good, and no second word', async (t) => {
  const bridge = await startToldApp(t)
  const { id_token, refresh_token } = await bridge.signIn(OFFLINE)
  const { sid } = idClaims(id_token)
  await logout(bridge.app, cookieOf(bridge.browser.cookies))
  await bridge.receiver.came(1)
  const next = await refresh(bridge, refresh_token)
  t.equal(next.statusCode, 200)
  await bridge.signIn({ client_id: 'silent-app' })
  await devices(bridge, await browserToken(bridge), 'DELETE')
  t.equal((await refresh(bridge, next.json<Tokens>().refresh_token)).statusCode, 400, 'over now')

  // What is told in its turn comes after what would have been told before.
  const last = await bridge.signIn()
  await logout(bridge.app, cookieOf(bridge.browser.cookies))
  const received = await bridge.receiver.came(2)
  t.same(
    received.map(({ logoutToken }) => idClaims(logoutToken).sid),
    [sid, idClaims(last.id_token).sid],
  )
})

test('a client that gives its token back is not told so; what goes with a browser is', async (t) => {
  const bridge = await startToldApp(t)
  const { app, browser, receiver } = bridge
  const { refresh_token } = await bridge.signIn()
  t.equal((await post(app, PATHS.revoke, { client_id: 'an-app', token: refresh_token })).body, '')
  t.equal((await refresh(bridge, refresh_token)).statusCode, 400)

  const form = requestUrl({ client_id: 'a-server' })
  const server = await browser.open(form)
  t.ok(answerOf(server).get('code'))
  const child = await bridge.letIn({ client_id: 'second-app' })
  const token = await browserToken(bridge)
  await post(app, PATHS.revoke, { client_id: 'drawbridge-pwa', token })
  const [received] = await receiver.came(1)
  await app.close()
  t.equal(idClaims(received?.logoutToken).sid, idClaims(child.id_token).sid)
  t.equal(receiver.received.length, 1)
})

test('with an Odoo as it comes, too', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const told = client({ backchannel_logout_uri: receiver.uri })
  const bridge = await startBridge(t, registering(t, told))
  await bridge.app.ready()
  const browser = openBrowser(bridge.app)
  const { id_token } = await redeem(bridge.app, await browser.send(requestUrl(APP), DEMO), 'an-app')
  await browser.open(`${PATHS.endSession}?id_token_hint=${id_token ?? ''}`)
  const [received] = await receiver.came(1)
  const { sid } = idClaims(id_token)
  const keys = await keysOf(bridge)
  t.match(await verifyLogoutToken(received?.logoutToken ?? '', keys, ISSUER, 'an-app'), { sid })
})

test('with RSA keys, and counted', async (t) => {
  const bridge = await startToldApp(t, { KEY_FILE_ALGORITHM: 'RS256' })
  await bridge.signIn()
  await logout(bridge.app, cookieOf(bridge.browser.cookies))
  const [received] = await bridge.receiver.came(1)
  const keys = await keysOf(bridge)
  await verifyLogoutToken(received?.logoutToken ?? '', keys, ISSUER, 'an-app')
  const told = 'drawbridge_backchannel_logouts_total{outcome="told"} 1'
  await until(async () => (await bridge.app.inject({ url: '/metrics' })).body.includes(told))
})

test('a machine’s session is nobody’s sign-in', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const both = confidential({
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    odoo_login: 'demo',
    backchannel_logout_uri: receiver.uri,
  })
  const { app } = await startPairedBridge(t, registering(t, both))
  await app.ready()
  const own = basic('a-server', SECRET)
  const machine = await post(app, PATHS.token, { grant_type: 'client_credentials' }, own)
  const person = await tokensOf(app, 'a-server', own)
  const sidOf = ({ access_token }: OAuthTokenResponse) => accessClaims(access_token).sid
  const revoked = `${PATHS.sessions}/${sidOf(machine.json())}`
  const browser = openBrowser(app)
  await browser.send(requestUrl({ client_id: 'a-server' }), DEMO)
  const bearer = { authorization: `Bearer ${await browserToken({ app, browser })}` }
  for (const url of [revoked, `${PATHS.sessions}/${sidOf(person)}`]) {
    const answer = await app.inject({ method: 'DELETE', url, headers: bearer })
    t.equal(answer.statusCode, 204)
  }
  const [received] = await receiver.came(1)
  await app.close()
  t.equal(idClaims(received?.logoutToken).sid, sidOf(person))
  t.equal(receiver.received.length, 1)
})
