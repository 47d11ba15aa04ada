/** Who is signed in in a browser, and what that is worth to other apps and to whoever has its cookie. */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { idClaims, openBrowser, redeem, requestUrl, startWithBrowser } from '../app.ts'
import { accessClaims, errorOf, logout, refresh } from '../helper.ts'

test('one sign-in serves every app of the browser, and no other browser', async (t) => {
  const { app, browser, signIn } = await startWithBrowser(t)
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
  const { app, browser, signIn } = await startWithBrowser(t)
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

test('signing in again leaves nothing to whoever has the cookie of before, and the apps alone', async (t) => {
  const { app, browser, signIn } = await startWithBrowser(t)
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
  const { app, browser, signIn } = await startWithBrowser(t)
  await signIn()
  const before = browser.cookies['drawbridge_refresh'] ?? ''
  await signIn({ prompt: 'login' }, { login: 'other', password: 'other' })
  t.equal((await refresh(app, before)).statusCode, 401)
  const tokens = await redeem(app, await browser.open(requestUrl()))
  t.equal(idClaims(tokens.id_token).sub, '7')
})
