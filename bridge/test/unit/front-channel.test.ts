/** What goes through the browser, where others may look, and how: pages, addresses, redirects. */
import { test } from 'tap'
import type { LightMyRequestResponse } from 'fastify'
import { PATHS } from '../../src/contract/index.ts'
import { answerOf, fieldOf, redeem, requestUrl, startWithBrowser } from '../app.ts'
import { AFTERWARDS, REDIRECT_URI } from '../helper.ts'

const ASKING = { client_id: 'asking-app' }

test('no page or redirect tells another site where it came from, and no page can be framed', async (t) => {
  const { browser, signIn } = await startWithBrowser(t)
  const consent = await signIn(ASKING)
  const redirects: Record<string, LightMyRequestResponse> = {
    'a code': await browser.open(requestUrl()),
    'a refusal': await browser.open(requestUrl({ response_type: 'token' })),
    'to a provider': await browser.open('/auth/continue/odoo'),
  }
  const pages: Record<string, LightMyRequestResponse> = {
    form: await browser.open(requestUrl({ prompt: 'login' })),
    'wrong password': await signIn({}, { login: 'demo', password: 'wrong' }),
    consent,
    'nobody to go back to': await browser.open(requestUrl({ client_id: 'nobody' })),
    'back from a provider, uncalled': await browser.open('/auth/continue/odoo/callback'),
    'sign out?': await browser.open(PATHS.endSession),
  }
  const question = pages['sign out?']?.body ?? ''
  const held_request = fieldOf(question, 'held_request')
  pages['signed out'] = await browser.send(PATHS.endSession, { held_request })

  for (const [what, { headers, statusCode }] of Object.entries({ ...pages, ...redirects })) {
    t.equal(headers['referrer-policy'], 'same-origin', what)
    t.equal(headers['cache-control'], 'no-store', what)
    t.equal(statusCode === 303, what in redirects, what)
  }
  for (const [what, { headers, body }] of Object.entries(pages)) {
    const policy = headers['content-security-policy']
    for (const directive of [/default-src 'none'/, /frame-ancestors 'none'/, /base-uri 'none'/]) {
      t.match(policy, directive, what)
    }
    t.notMatch(policy, 'script-src', what)
    t.ok(headers['x-frame-options'], what)
    // Whatever a page fetches from elsewhere learns when somebody signs in, and from where.
    t.notMatch(body, /<script|<iframe|<img|<link|\ssrc=|url\(/, what)
  }
})

test('nothing that somebody typed is sent on by a redirect', async (t) => {
  const { browser, signIn } = await startWithBrowser(t)
  const signedIn = await signIn()
  const url = requestUrl(ASKING)
  const held_identity = fieldOf((await browser.open(url)).body, 'held_identity')
  const held_request = fieldOf((await browser.open(PATHS.endSession)).body, 'held_request')
  const answers = {
    password: signedIn,
    deny: await browser.send(url, { held_identity, consent: 'deny' }),
    allow: await browser.send(url, { held_identity, consent: 'allow' }),
    'a request by POST': await browser.send(PATHS.authorize, { client_id: 'other-app' }),
  }
  for (const [what, { statusCode, headers }] of Object.entries(answers)) {
    t.equal(statusCode, 303, `${what}: a browser turns it into a GET, without what was posted`)
    t.notMatch(headers.location, /password|held_/, what)
  }
  const address = new URLSearchParams({
    client_id: 'other-app',
    post_logout_redirect_uri: AFTERWARDS,
  })
  const asked = await browser.open(`${PATHS.endSession}?${address.toString()}`)
  const held = fieldOf(asked.body, 'held_request')
  t.not(held, held_request)
  const out = await browser.send(PATHS.endSession, { held_request: held })
  t.equal(out.statusCode, 303)
  t.equal(out.headers.location, AFTERWARDS)
})

test('no token goes through the browser, and nothing by a message between windows', async (t) => {
  const { browser, signIn } = await startWithBrowser(t)
  await signIn()
  const types = ['token', 'id_token', 'id_token token', 'code token', 'code id_token', 'none']
  const modes = ['fragment', 'web_message', 'query.jwt', 'jwt', '']
  const changes = [
    ...types.map((response_type) => ({ response_type })),
    ...modes.map((response_mode) => ({ response_mode })),
  ]
  for (const change of changes) {
    const { headers } = await browser.open(requestUrl(change))
    const { origin, pathname, hash, searchParams } = new URL(headers.location ?? 'none:')
    t.equal(origin + pathname, REDIRECT_URI, JSON.stringify(change))
    t.equal(hash, '')
    t.same([...searchParams.keys()].sort(), ['error', 'error_description', 'iss', 'state'])
  }
  const good = await browser.open(requestUrl({ response_mode: 'query' }))
  t.same([...answerOf(good).keys()].sort(), ['code', 'iss', 'state'])
})

test('a token in an address is none', async (t) => {
  const { app, signIn } = await startWithBrowser(t)
  const { access_token, refresh_token } = await redeem(app, await signIn())
  const query = `access_token=${access_token}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await app.inject({ url: `${PATHS.userinfo}?${query}` })).statusCode, 401)
  const posted = await app.inject({ method: 'POST', url: `${PATHS.userinfo}?${query}`, headers })
  t.equal(posted.statusCode, 401)
  t.equal((await app.inject({ url: `${PATHS.sessions}?${query}` })).statusCode, 401)
  const parameters = { grant_type: 'refresh_token', client_id: 'other-app', refresh_token }
  const inQuery = new URLSearchParams(parameters).toString()
  const refreshed = await app.inject({ method: 'POST', url: `${PATHS.token}?${inQuery}`, headers })
  t.equal(refreshed.statusCode, 400)
  const got = await app.inject({ url: `${PATHS.token}?${inQuery}` })
  t.equal(got.statusCode, 404)
  const shown = await app.inject({
    url: PATHS.userinfo,
    headers: { authorization: `Bearer ${access_token}` },
  })
  t.equal(shown.statusCode, 200, 'and it was a good one')
})
