/** What an app may know of its user. @see OpenID Connect Core 1.0 §5.3 */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { DEMO, FORM, openBrowser, redeem, requestUrl, type Change } from '../app.ts'
import { startBridge } from '../helper.ts'

test('userinfo gives what the scopes allow, by header or body', async (t) => {
  const { app } = await startBridge(t)
  const browser = openBrowser(app)
  const tokenFor = async (change: Change) =>
    (await redeem(app, await browser.send(requestUrl(change), DEMO))).access_token
  const ask = async (change: Change) => {
    const headers = { authorization: `Bearer ${await tokenFor(change)}` }
    return (await app.inject({ url: PATHS.userinfo, headers })).json<unknown>()
  }
  t.same(await ask({}), { sub: '6' })
  t.same(await ask({ scope: 'openid profile' }), {
    sub: '6',
    name: 'Marc Demo',
    preferred_username: 'demo',
    locale: 'fr-BE',
    zoneinfo: 'Europe/Brussels',
    updated_at: 1767323045,
  })
  t.same(await ask({ scope: 'openid email phone address' }), {
    sub: '6',
    email: 'marc@example.com',
    email_verified: false,
    phone_number: '+32 2 555 12 34',
    phone_number_verified: false,
    address: {
      street_address: '3575 Buena Vista Avenue\nSuite 12',
      locality: 'Eugene',
      region: 'Oregon (US)',
      postal_code: '97401',
      country: 'United States',
    },
  })
  const claims = JSON.stringify({ userinfo: { name: { essential: true }, nothing: null } })
  t.same(await ask({ claims }), { sub: '6', name: 'Marc Demo' })

  const access_token = await tokenFor({ scope: 'openid email' })
  const post = (headers: object, body: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: PATHS.userinfo,
      headers: { ...FORM, ...headers },
      payload: new URLSearchParams(body).toString(),
    })
  t.match((await post({}, { access_token })).json(), { email: 'marc@example.com' })
  const authorization = `Bearer ${access_token}`
  t.match((await post({ authorization }, {})).json(), { email: 'marc@example.com' })
  t.equal((await post({ authorization }, { access_token })).statusCode, 400, 'both')
  t.equal((await post({}, {})).statusCode, 401)
  t.equal((await app.inject({ url: PATHS.userinfo })).statusCode, 401)
  const bare = await app.inject({ method: 'POST', url: PATHS.userinfo, headers: { authorization } })
  t.equal(bare.statusCode, 200, 'POST without a body')
})
