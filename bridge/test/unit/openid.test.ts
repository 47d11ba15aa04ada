/** What OpenID Connect Core 1.0 asks of a request and its ID token. */
import { createHash } from 'node:crypto'
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  answerOf,
  DEMO,
  FORM,
  idClaims,
  openBrowser,
  redeem,
  requestUrl,
  startWithBrowser,
  type Change,
} from '../app.ts'
import { accessClaims, errorOf, ISSUER } from '../helper.ts'

test('an ID token says who signed in, when and how, to this client and this request', async (t) => {
  const { app, signIn } = await startWithBrowser(t)
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
  const { app, signIn } = await startWithBrowser(t)
  const tokens = await redeem(app, await signIn({ scope: 'odoo.read' }))
  t.notOk('id_token' in tokens)
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const answer = await app.inject({ url: PATHS.userinfo, headers })
  t.equal(answer.statusCode, 403)
  t.equal(errorOf(answer), 'insufficient_scope')
})

test('prompt, max_age and id_token_hint', async (t) => {
  const { app, browser, signIn } = await startWithBrowser(t)
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

test('what cannot be done is refused by the right name', async (t) => {
  const { browser } = await startWithBrowser(t)
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
  const { browser, signIn } = await startWithBrowser(t)
  await signIn()
  const request = Object.fromEntries(new URL(requestUrl(), ISSUER).searchParams)
  const answer = await browser.send(PATHS.authorize, request, { 'sec-fetch-site': 'cross-site' })
  t.equal(answer.statusCode, 303)
  const address = answer.headers.location ?? ''
  t.match(address, `${PATHS.authorize}?`)
  t.ok(answerOf(await browser.open(address)).get('code'))
})

test('discovery', async (t) => {
  const { app } = await startWithBrowser(t)
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
