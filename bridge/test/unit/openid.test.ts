/** OpenID Connect Core 1.0, as a client sees it. */
import { createHash } from 'node:crypto'
import { test, type Test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  answerOf,
  fieldOf,
  FORM,
  idClaims,
  openBrowser,
  redeem,
  requestUrl,
  type Change,
} from '../app.ts'
import { startFakeAddon } from '../fake-addon.ts'
import {
  accessClaims,
  AFTERWARDS,
  errorOf,
  ISSUER,
  logout,
  refresh,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'

const DEMO = { login: 'demo', password: 'demo' }

/** A bridge where a browser's session serves for several apps. */
async function start(t: Test) {
  const addon = await startFakeAddon(t)
  const { app, files } = await startBridge(t, {
    ODOO_ADAPTER: 'addon',
    ODOO_URL: addon.url,
    ODOO_PUBLIC_URL: 'http://odoo.localhost:8069',
    ODOO_RECONCILE_INTERVAL: '3600',
  })
  const browser = openBrowser(app)
  const signIn = (change: Change = {}, who = DEMO) => browser.send(requestUrl(change), who)
  return { app, addon, browser, signIn, files }
}

test('an ID token says who signed in, when and how, to this client and this request', async (t) => {
  const { app, signIn } = await start(t)
  const since = Math.floor(Date.now() / 1000)
  const tokens = await redeem(app, await signIn())
  const { id_token, access_token } = tokens
  const [header = ''] = (id_token ?? '').split('.')
  t.match(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'ES256', typ: 'JWT' })
  const claims = idClaims(id_token)
  t.match(claims, {
    iss: ISSUER,
    sub: '6',
    aud: 'other-app',
    nonce: 'the nonce',
    amr: ['pwd'],
    sid: accessClaims(access_token).sid,
  })
  t.ok(claims.auth_time >= since && claims.iat >= claims.auth_time && claims.exp > claims.iat)
  const half = createHash('sha256').update(access_token).digest().subarray(0, 16)
  t.equal(claims.at_hash, half.toString('base64url'))
  t.equal(tokens.scope, 'openid')

  const next = await app.inject({
    method: 'POST',
    url: PATHS.token,
    headers: FORM,
    payload: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'other-app',
      refresh_token: tokens.refresh_token,
    }).toString(),
  })
  const again = idClaims(next.json<typeof tokens>().id_token)
  t.match(again, { sub: '6', aud: 'other-app', auth_time: claims.auth_time })
  t.notOk('nonce' in again)
})

test('without the scope openid there is none, and userinfo says no', async (t) => {
  const { app, signIn } = await start(t)
  const tokens = await redeem(app, await signIn({ scope: 'odoo.read' }))
  t.notOk('id_token' in tokens)
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const answer = await app.inject({ url: PATHS.userinfo, headers })
  t.equal(answer.statusCode, 403)
  t.equal(errorOf(answer), 'insufficient_scope')
})

test('one sign-in serves every app of the browser, and no other browser', async (t) => {
  const { app, browser, signIn } = await start(t)
  const first = await redeem(app, await signIn())
  const answer = await browser.open(requestUrl({ client_id: 'third-app' }))
  t.equal(answer.statusCode, 303)
  const second = await redeem(app, answer, 'third-app')
  t.match(idClaims(second.id_token), { sub: '6', aud: 'third-app' })
  t.not(accessClaims(second.access_token).sid, accessClaims(first.access_token).sid)
  t.equal(idClaims(second.id_token).auth_time, idClaims(first.id_token).auth_time)
  t.equal((await openBrowser(app).open(requestUrl())).statusCode, 200, 'the form')
  const refreshed = await refresh(app, browser.cookies['drawbridge_refresh'] ?? '')
  t.equal(refreshed.statusCode, 200, 'the PWA is signed in too')
})

test('a cookie that was replaced a while ago signs nobody in', async (t) => {
  const { app, browser, signIn } = await start(t)
  await signIn()
  const old = browser.cookies['drawbridge_refresh'] ?? ''
  const next = await refresh(app, old)
  t.equal((await browser.open(requestUrl())).statusCode, 303, 'another tab, within the grace')
  const newer = next.cookies[0]?.value ?? ''
  await refresh(app, newer)
  t.equal((await browser.open(requestUrl())).statusCode, 200, 'two behind')
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 31_000 })
  browser.cookies['drawbridge_refresh'] = newer
  t.equal((await browser.open(requestUrl())).statusCode, 200, 'after the grace')
})

test('prompt, max_age and id_token_hint', async (t) => {
  const { app, browser, signIn } = await start(t)
  const none = await browser.open(requestUrl({ prompt: 'none' }))
  t.equal(answerOf(none).get('error'), 'login_required')
  t.equal(answerOf(none).get('state'), 'the state')
  const { id_token = '', access_token } = await redeem(app, await signIn())

  t.ok(answerOf(await browser.open(requestUrl({ prompt: 'none' }))).get('code'))
  for (const prompt of ['login', 'select_account', 'login consent']) {
    t.equal((await browser.open(requestUrl({ prompt }))).statusCode, 200, prompt)
  }
  t.ok(answerOf(await browser.open(requestUrl({ max_age: '10' }))).get('code'))
  t.ok(
    answerOf(await browser.open(requestUrl({ prompt: 'none', id_token_hint: id_token }))).get(
      'code',
    ),
  )

  const other = openBrowser(app)
  const otherUser = await other.send(requestUrl(), { login: 'other', password: 'other' })
  const { id_token: strange = '' } = await redeem(app, otherUser)
  for (const hint of [strange, access_token, 'no token', `${id_token}x`]) {
    const refused = await browser.open(requestUrl({ prompt: 'none', id_token_hint: hint }))
    t.equal(answerOf(refused).get('error'), 'login_required')
    t.equal((await browser.open(requestUrl({ id_token_hint: hint }))).statusCode, 200)
  }
  const wrong = await browser.send(requestUrl({ id_token_hint: strange }), DEMO)
  t.equal(answerOf(wrong).get('error'), 'login_required', 'somebody else signed in')

  t.intercept(Date, 'now', { value: () => new Date().getTime() + 12_000 })
  t.equal((await browser.open(requestUrl({ max_age: '10' }))).statusCode, 200)
  const old = await browser.open(requestUrl({ max_age: '10', prompt: 'none' }))
  t.equal(answerOf(old).get('error'), 'login_required')
  const before = idClaims(id_token).auth_time
  const again = await redeem(app, await signIn({ max_age: '10' }))
  t.ok(idClaims(again.id_token).auth_time >= before + 11, 'signed in anew')
})

test('signing in again leaves nothing to whoever has the cookie of before, and the apps alone', async (t) => {
  const { app, browser, signIn } = await start(t)
  const tokens = await redeem(app, await signIn())
  const before = browser.cookies['drawbridge_refresh'] ?? ''
  await signIn({ prompt: 'login' })
  t.not(browser.cookies['drawbridge_refresh'], before)
  t.equal((await refresh(app, before)).statusCode, 401)
  const body = {
    grant_type: 'refresh_token',
    client_id: 'other-app',
    refresh_token: tokens.refresh_token,
  }
  const next = await openBrowser(app).send(PATHS.token, body)
  t.equal(next.statusCode, 200)

  // Signing out still reaches the app that came before.
  const { refresh_token } = next.json<typeof tokens>()
  t.equal((await logout(app, browser.cookies['drawbridge_refresh'] ?? '')).statusCode, 204)
  const over = await openBrowser(app).send(PATHS.token, { ...body, refresh_token })
  t.equal(errorOf(over), 'invalid_grant')
})

test('somebody else signs in in the same browser: who was there is out', async (t) => {
  const { app, browser, signIn } = await start(t)
  await signIn()
  const before = browser.cookies['drawbridge_refresh'] ?? ''
  await signIn({ prompt: 'login' }, { login: 'other', password: 'other' })
  t.equal((await refresh(app, before)).statusCode, 401)
  const tokens = await redeem(app, await browser.open(requestUrl()))
  t.equal(idClaims(tokens.id_token).sub, '7')
})

test('what cannot be done is refused by the right name', async (t) => {
  const { browser } = await start(t)
  for (const [change, error] of [
    [{ request: 'eyJ.eyJ.x' }, 'request_not_supported'],
    [{ request_uri: 'https://client.example/r' }, 'request_uri_not_supported'],
    [{ registration: '{}' }, 'registration_not_supported'],
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ prompt: 'dance' }, 'invalid_request'],
    [{ max_age: '-1' }, 'invalid_request'],
    [{ max_age: 'x' }, 'invalid_request'],
    [{ claims: 'x' }, 'invalid_request'],
    [{ claims: '[]' }, 'invalid_request'],
    [{ nonce: 'x'.repeat(513) }, 'invalid_request'],
    [{ scope: 'openid unheard' }, 'invalid_scope'],
  ] as [Change, string][]) {
    const answer = await browser.open(requestUrl(change))
    t.equal(answerOf(answer).get('error'), error, JSON.stringify(change))
    t.equal(answerOf(answer).get('iss'), ISSUER)
  }
  for (const name of ['nonce', 'prompt', 'max_age', 'claims']) {
    const answer = await browser.open(`${requestUrl({ [name]: '1' })}&${name}=1`)
    t.equal(answerOf(answer).get('error'), 'invalid_request', name)
  }
  const unknown = { display: 'popup', acr_values: 'a b', anything: 'else' }
  t.equal((await browser.open(requestUrl(unknown))).statusCode, 200, 'ignored')
})

test('a request may come by POST, from the site of the client', async (t) => {
  const { browser, signIn } = await start(t)
  await signIn()
  const request = Object.fromEntries(new URL(requestUrl(), ISSUER).searchParams)
  const answer = await browser.send(PATHS.authorize, request, { 'sec-fetch-site': 'cross-site' })
  t.equal(answer.statusCode, 303)
  const address = answer.headers.location ?? ''
  t.match(address, `${PATHS.authorize}?`)
  t.ok(answerOf(await browser.open(address)).get('code'))
})

test('an app that is not of the house has to be let in, once for what it asks', async (t) => {
  const { app, browser } = await start(t)
  const asking = { client_id: 'asking-app', scope: 'openid email' }
  const url = requestUrl(asking)
  const page = await browser.send(url, DEMO)
  t.equal(page.statusCode, 200)
  t.match(page.body, /Other app asks for access/)
  t.match(page.body, /read your e-mail address/)
  const none = await browser.open(requestUrl({ ...asking, prompt: 'none' }))
  t.equal(answerOf(none).get('error'), 'consent_required')
  const held_identity = fieldOf(page.body, 'held_identity')
  t.notMatch(held_identity, 'demo')

  const denied = await browser.send(url, { held_identity, consent: 'deny' })
  t.equal(answerOf(denied).get('error'), 'access_denied')
  t.equal(answerOf(denied).get('state'), 'the state')

  const elsewhere = { 'sec-fetch-site': 'cross-site' }
  const forged = await browser.send(url, { held_identity, consent: 'allow' }, elsewhere)
  t.equal(forged.statusCode, 403)
  const wider = requestUrl({ ...asking, scope: 'openid email odoo.read' })
  const moved = await browser.send(wider, { held_identity, consent: 'allow' })
  t.equal(moved.statusCode, 401, 'what was shown is what is allowed')

  const allowed = await browser.send(url, { held_identity, consent: 'allow' })
  const tokens = await redeem(app, allowed, 'asking-app')
  t.equal(accessClaims(tokens.access_token).scope, 'openid email')
  t.ok(answerOf(await browser.open(url)).get('code'), 'remembered')
  t.ok(answerOf(await browser.open(requestUrl({ ...asking, scope: 'openid' }))).get('code'))
  t.equal((await browser.open(wider)).statusCode, 200, 'more has to be asked for')
  t.equal((await browser.open(requestUrl({ ...asking, prompt: 'consent' }))).statusCode, 200)
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 601_000 })
  const late = await browser.send(url, { held_identity, consent: 'allow' })
  t.equal(late.statusCode, 401)
})

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

test('an app signs its user out: of the browser, of the other apps, and back to the app', async (t) => {
  const { app, browser, signIn } = await start(t)
  const tokens = await redeem(app, await signIn())
  const others = await redeem(
    app,
    await browser.open(requestUrl({ client_id: 'third-app' })),
    'third-app',
  )
  const offline = await redeem(
    app,
    await browser.open(requestUrl({ scope: 'openid offline_access' })),
  )
  const cookie = browser.cookies['drawbridge_refresh'] ?? ''
  const query = new URLSearchParams({
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: AFTERWARDS,
    state: 'bye',
  })
  const answer = await browser.open(`${PATHS.endSession}?${query.toString()}`)
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers.location, `${AFTERWARDS}?state=bye`)
  t.notOk(browser.cookies['drawbridge_refresh'])
  t.equal((await refresh(app, cookie)).statusCode, 401)
  const next = async (token: string, client_id: string) => {
    const body = { grant_type: 'refresh_token', client_id, refresh_token: token }
    return (await openBrowser(app).send(PATHS.token, body)).statusCode
  }
  t.equal(await next(tokens.refresh_token, 'other-app'), 400)
  t.equal(await next(others.refresh_token, 'third-app'), 400)
  t.equal(await next(offline.refresh_token, 'other-app'), 200, 'offline_access')
})

test('a link of anybody signs nobody out unasked, and leads nowhere that is not registered', async (t) => {
  const { app, browser, signIn } = await start(t)
  const tokens = await redeem(app, await signIn())
  const leave = (parameters: Record<string, string>) =>
    browser.open(`${PATHS.endSession}?${new URLSearchParams(parameters).toString()}`)
  const stays = async () => answerOf(await browser.open(requestUrl())).has('code')

  for (const parameters of [
    { post_logout_redirect_uri: AFTERWARDS },
    { client_id: 'other-app', post_logout_redirect_uri: 'https://evil.example/' },
    { client_id: 'other-app', post_logout_redirect_uri: `${AFTERWARDS}?x` },
    { id_token_hint: 'forged', post_logout_redirect_uri: AFTERWARDS },
    { id_token_hint: tokens.access_token, post_logout_redirect_uri: AFTERWARDS },
    { id_token_hint: tokens.id_token ?? '', client_id: 'third-app' },
  ]) {
    const answer = await leave(parameters)
    t.equal(answer.statusCode, 400, JSON.stringify(parameters))
    t.equal(answer.headers.location, undefined)
    t.ok(await stays())
  }

  const asked = await leave({ client_id: 'other-app', post_logout_redirect_uri: AFTERWARDS })
  t.equal(asked.statusCode, 200)
  t.match(asked.body, /Sign out\?/)
  t.ok(await stays(), 'until they say so')
  const held_request = fieldOf(asked.body, 'held_request')
  const forged = await browser.send(
    PATHS.endSession,
    { held_request },
    { 'sec-fetch-site': 'same-site' },
  )
  t.equal(forged.statusCode, 403)
  t.equal((await browser.send(PATHS.endSession, { held_request: 'x' })).statusCode, 400)
  const done = await browser.send(PATHS.endSession, { held_request }, SAME_ORIGIN)
  t.equal(done.headers.location, AFTERWARDS)
  t.notOk(await stays())
  t.match((await leave({})).body, /You are signed out/)
})

test("an app's hint signs out the browser that it is of, and no other", async (t) => {
  const { app, signIn } = await start(t)
  const { id_token = '' } = await redeem(app, await signIn())
  const victim = openBrowser(app)
  await victim.send(requestUrl(), { login: 'other', password: 'other' })
  const url = `${PATHS.endSession}?${new URLSearchParams({ id_token_hint: id_token }).toString()}`
  t.match((await victim.open(url)).body, /Sign out\?/, 'asked, as by anybody')
  t.ok(answerOf(await victim.open(requestUrl())).has('code'))
})

test('pages speak the language of the reader', async (t) => {
  const { app, browser } = await start(t)
  const french = await browser.open(requestUrl({ ui_locales: 'xx fr-CA en' }))
  t.match(french.body, /<html lang="fr">/)
  t.match(french.body, /Mot de passe oublié/)
  t.match(french.body, 'href="http://odoo.localhost:8069/web/reset_password"')
  for (const [wanted, lang] of [
    ['de-AT,de;q=0.9,en;q=0.5', 'de'],
    ['es', 'es'],
    ['ja', 'en'],
    ['<script>', 'en'],
  ]) {
    const page = await app.inject({ url: requestUrl(), headers: { 'accept-language': wanted } })
    t.match(page.body, `<html lang="${String(lang)}">`, String(wanted))
    t.equal(page.headers['content-language'], lang)
  }
  const german = { 'accept-language': 'de', ...SAME_ORIGIN }
  const refused = await browser.send(requestUrl(), { login: 'demo', password: 'x' }, german)
  t.match(refused.body, /Benutzername oder Passwort ist falsch/)
})

test('what a client is called is text, wherever it stands', async (t) => {
  const { browser } = await start(t)
  const page = await browser.open(requestUrl({ login_hint: '"><script>alert(1)</script>' }))
  t.notMatch(page.body, '<script>')
  t.match(page.body, 'value="&quot;&gt;&lt;script')
})

test('discovery', async (t) => {
  const { app } = await start(t)
  const metadata = (await app.inject({ url: PATHS.openidConfiguration })).json<
    Record<string, unknown>
  >()
  t.match(metadata, {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/oauth/authorize`,
    userinfo_endpoint: `${ISSUER}/oauth/userinfo`,
    end_session_endpoint: `${ISSUER}/oauth/logout`,
    id_token_signing_alg_values_supported: ['ES256'],
    subject_types_supported: ['public'],
    response_types_supported: ['code'],
  })
  t.ok((metadata['scopes_supported'] as string[]).includes('openid'))
})
