/** How apps sign their users out. @see OpenID Connect RP-Initiated Logout 1.0 */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { answerOf, fieldOf, openBrowser, redeem, requestUrl, startWithBrowser } from '../app.ts'
import { AFTERWARDS, refresh, SAME_ORIGIN } from '../helper.ts'

test('an app signs its user out: of the browser, of the other apps, and back to the app', async (t) => {
  const { app, browser, signIn } = await startWithBrowser(t)
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
  const { app, browser, signIn } = await startWithBrowser(t)
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
  const { app, signIn } = await startWithBrowser(t)
  const { id_token = '' } = await redeem(app, await signIn())
  const victim = openBrowser(app)
  await victim.send(requestUrl(), { login: 'other', password: 'other' })
  const url = `${PATHS.endSession}?${new URLSearchParams({ id_token_hint: id_token }).toString()}`
  t.match((await victim.open(url)).body, /Sign out\?/, 'asked, as by anybody')
  t.ok(answerOf(await victim.open(requestUrl())).has('code'))
})
