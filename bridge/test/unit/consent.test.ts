/** What an app that is not of the house has to ask for. */
import { test } from 'tap'
import { answerOf, DEMO, fieldOf, redeem, requestUrl, startWithBrowser } from '../app.ts'
import { accessClaims } from '../helper.ts'

test('an app that is not of the house has to be let in, once for what it asks', async (t) => {
  const { app, browser } = await startWithBrowser(t)
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
