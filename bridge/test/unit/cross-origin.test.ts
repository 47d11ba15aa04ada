import { test } from 'tap'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { errorOf, ISSUER, REDIRECT_URI, startBridge } from '../helper.ts'
import {
  basic,
  client,
  confidential,
  post,
  redemptionFor,
  registering,
  SECRET,
} from '../registered-clients.ts'

const OWN = new URL(REDIRECT_URI).origin
const SECOND = 'https://second.example'
const STRANGER = 'https://evil.example'

const start = (t: Parameters<typeof registering>[0]) =>
  startBridge(
    t,
    registering(t, client(), client({ client_id: 'second', origins: [SECOND] }), confidential()),
  )

test('a preflight is answered to the origins of all clients together, and to no other', async (t) => {
  const { app } = await start(t)
  const preflight = (url: string, origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
  for (const url of [PATHS.token, PATHS.revoke, PATHS.userinfo]) {
    for (const origin of [OWN, SECOND, ISSUER]) {
      const { headers } = await preflight(url, origin)
      t.equal(headers['access-control-allow-origin'], origin, `${url} ${origin}`)
      t.match(headers['access-control-allow-headers'], 'authorization')
      t.match(headers['vary'], /origin/i, 'a cache must not give it to another')
      t.notOk(headers['access-control-allow-credentials'])
    }
    for (const origin of [STRANGER, 'null', `${OWN}.evil.example`, OWN.toUpperCase()]) {
      const { headers } = await preflight(url, origin)
      t.notOk(headers['access-control-allow-origin'], `${url} ${origin}`)
    }
  }
  for (const url of [PATHS.introspect, PATHS.authorize, PATHS.login, PATHS.sessions]) {
    const { headers } = await preflight(url, OWN)
    t.notOk(headers['access-control-allow-origin'], url)
  }
})

test("a page calls in its own client's name alone, and nothing is used up when it tries", async (t) => {
  const { app } = await start(t)
  const redemption = await redemptionFor(app, 'an-app', { scope: 'openid' })
  for (const origin of [SECOND, STRANGER, 'null', ISSUER]) {
    const refused = await post(app, PATHS.token, redemption, { origin })
    t.equal(errorOf(refused), 'origin_refused', origin)
    t.equal(refused.statusCode, 403)
  }
  const good = await post(app, PATHS.token, redemption, { origin: OWN })
  t.equal(good.statusCode, 200)
  t.equal(good.headers['access-control-allow-origin'], OWN)

  const token = { token: 'x', client_id: 'second' }
  t.equal(errorOf(await post(app, PATHS.revoke, token, { origin: OWN })), 'origin_refused')
  t.equal((await post(app, PATHS.revoke, token, { origin: SECOND })).statusCode, 200)

  const { access_token } = good.json<OAuthTokenResponse>()
  const userInfo = (origin: string) =>
    app.inject({
      url: PATHS.userinfo,
      headers: { origin, authorization: `Bearer ${access_token}` },
    })
  for (const origin of [SECOND, STRANGER, 'null']) {
    t.equal(errorOf(await userInfo(origin)), 'origin_refused', `a token that is shown by ${origin}`)
  }
  const told = await userInfo(OWN)
  t.same(told.json(), { sub: '6' })
  t.equal(told.headers['access-control-allow-origin'], OWN)

  const server = { ...basic('a-server', SECRET), origin: OWN }
  const fromPage = await post(app, PATHS.token, { grant_type: 'refresh_token' }, server)
  t.equal(errorOf(fromPage), 'origin_refused', 'a secret has no business in a page')
})

test('what is public is open to every page', async (t) => {
  const { app } = await start(t)
  for (const url of [
    PATHS.jwks,
    PATHS.authorizationServerMetadata,
    PATHS.openidConfiguration,
    PATHS.protectedResourceMetadata,
  ]) {
    const { headers } = await app.inject({ url, headers: { origin: STRANGER } })
    t.equal(headers['access-control-allow-origin'], '*', url)
  }
})
