/** "Connected apps": what a user has let in, and how that is taken back. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { PATHS, type ConnectedAppsResponse } from '../../src/contract/index.ts'
import type { AuthorizationRequest } from '../../src/oauth/authorization-request.ts'
import { createAuthorize } from '../../src/oauth/authorize.ts'
import type { Identity } from '../../src/odoo/port.ts'
import { createConsents } from '../../src/sessions/consents.ts'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { openStore } from '../../src/sessions/store.ts'
import type { Sessions } from '../../src/tokens/sessions.ts'
import {
  answerOf,
  DEMO,
  fieldOf,
  openBrowser,
  redeem,
  requestUrl,
  startWithBrowser,
} from '../app.ts'
import { continueWithOdoo } from '../fake-addon.ts'
import {
  accessTokenOf,
  errorOf,
  ISSUER,
  login,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import { newSession, newUid } from '../session-store.ts'

const ASKING = { client_id: 'asking-app', scope: 'openid email' }

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const list = async (app: FastifyInstance, token: string) => {
  const response = await app.inject({ url: PATHS.apps, headers: bearer(token) })
  return response.json<ConnectedAppsResponse>().apps
}

const withdraw = (app: FastifyInstance, client_id: string, token: string) =>
  app.inject({ method: 'DELETE', url: `${PATHS.apps}/${client_id}`, headers: bearer(token) })

const refreshApp = (app: FastifyInstance, refresh_token: string, client_id: string) =>
  openBrowser(app).send(PATHS.token, { grant_type: 'refresh_token', client_id, refresh_token })

/** Somebody who has let an app in, in a browser, and their token of the PWA. */
async function start(t: Test) {
  const bridge = await startWithBrowser(t)
  const { app, browser } = bridge
  const token = accessTokenOf(await login(app))
  const url = requestUrl(ASKING)
  const held_identity = fieldOf((await browser.send(url, DEMO)).body, 'held_identity')
  const allowed = await browser.send(url, { held_identity, consent: 'allow' })
  return { ...bridge, token, url, allowed }
}

test('a user sees what they let in, and what they are signed in to', async (t) => {
  const { app, browser, token, allowed } = await start(t)
  const before = Math.floor(Date.now() / 1000) - 10
  await redeem(app, allowed, 'asking-app')
  await browser.open(requestUrl({ ...ASKING, scope: 'openid' }))
  await redeem(app, await browser.open(requestUrl({ scope: 'openid odoo.read' })))

  const response = await app.inject({ url: PATHS.apps, headers: bearer(token) })
  t.equal(response.headers['cache-control'], 'no-store')
  const apps = await list(app, token)
  t.same(
    apps.map(({ client_id }) => client_id).sort(),
    ['asking-app', 'other-app'],
    'the PWA is none of them',
  )
  const [asking, other] = ['asking-app', 'other-app'].map((id) =>
    apps.find(({ client_id }) => client_id === id),
  )
  t.match(asking, {
    client_name: 'Other app',
    first_party: false,
    scope: 'openid email',
    sessions: 2,
  })
  t.ok((asking?.granted_at ?? 0) > before)
  t.ok((asking?.last_seen_at ?? 0) > before)
  t.match(other, { first_party: true, scope: 'openid odoo.read', granted_at: null, sessions: 1 })

  const stranger = accessTokenOf(await login(app, { login: 'other', password: 'other' }))
  t.same(await list(app, stranger), [], "nobody else's")
})

test('what is withdrawn is over at once, offline_access too, and has to be asked for again', async (t) => {
  const { app, browser, token, url, allowed } = await start(t)
  const tokens = await redeem(app, allowed, 'asking-app')
  const wider = requestUrl({ ...ASKING, scope: 'openid offline_access' })
  const held_identity = fieldOf((await browser.open(wider)).body, 'held_identity')
  const offline = await redeem(
    app,
    await browser.send(wider, { held_identity, consent: 'allow' }),
    'asking-app',
  )
  const others = await redeem(app, await browser.open(requestUrl()))

  const answer = await withdraw(app, 'asking-app', token)
  t.equal(answer.statusCode, 204)
  t.equal(answer.headers['cache-control'], 'no-store')
  for (const { refresh_token, access_token } of [tokens, offline]) {
    const next = await refreshApp(app, refresh_token, 'asking-app')
    t.equal(errorOf(next), 'invalid_grant')
    t.match((await validate(app, access_token)).json(), { status: 'Invalid' })
  }
  t.equal((await refreshApp(app, others.refresh_token, 'other-app')).statusCode, 200)
  t.same(
    (await list(app, token)).map(({ client_id }) => client_id),
    ['other-app'],
  )
  const asked = await browser.open(url)
  t.equal(asked.statusCode, 200, 'the browser is signed in, and the person is asked')
  t.match(asked.body, /asks for access/)
  t.equal(
    answerOf(await browser.open(requestUrl({ ...ASKING, prompt: 'none' }))).get('error'),
    'consent_required',
  )
  t.equal(errorOf(await withdraw(app, 'asking-app', token)), 'not_found', 'over is over')
})

test('an app that nobody is asked about is signed out', async (t) => {
  const { app, token, addon } = await start(t)
  const browser = openBrowser(app)
  browser.cookies['drawbridge_refresh'] = refreshTokenOf(await continueWithOdoo(app, addon))
  const tokens = await redeem(app, await browser.open(requestUrl()))
  t.equal((await withdraw(app, 'other-app', token)).statusCode, 204)
  t.equal(errorOf(await refreshApp(app, tokens.refresh_token, 'other-app')), 'invalid_grant')
  t.same(addon.signOuts, [], 'nobody has signed out of Odoo by that')
  t.ok(answerOf(await browser.open(requestUrl())).get('code'), 'nor of the browser')
})

test('only the PWA’s own token, only its user’s apps, and not the PWA', async (t) => {
  const { app, token, allowed, url, browser } = await start(t)
  const { access_token, refresh_token } = await redeem(app, allowed, 'asking-app')
  const stranger = accessTokenOf(await login(app, { login: 'other', password: 'other' }))
  t.equal(errorOf(await withdraw(app, 'asking-app', stranger)), 'not_found')
  for (const wrong of ['', access_token, refresh_token]) {
    const response = await withdraw(app, 'asking-app', wrong)
    t.equal(errorOf(response), 'invalid_token', 'an app does not end another, nor itself here')
    t.match(response.headers['www-authenticate'], /error="invalid_token"/)
    t.equal((await app.inject({ url: PATHS.apps, headers: bearer(wrong) })).statusCode, 401)
  }
  t.equal((await refreshApp(app, refresh_token, 'asking-app')).statusCode, 200, 'it lives on')
  t.ok(answerOf(await browser.open(url)).get('code'), 'and is let in')
  for (const nothing of ['drawbridge-pwa', 'nobody']) {
    t.equal(errorOf(await withdraw(app, nothing, token)), 'not_found')
  }
  t.equal((await withdraw(app, 'a%00b', token)).statusCode, 400)
  t.equal((await list(app, token)).length, 1, 'the token is still good')
})

test('a code that is on its way when its app is withdrawn is worth nothing', async (t) => {
  const { app, token, allowed } = await start(t)
  t.ok(answerOf(allowed).get('code'))
  t.equal((await withdraw(app, 'asking-app', token)).statusCode, 204)
  t.match(await redeem(app, allowed, 'asking-app'), { error: 'invalid_grant' })
})

test('what was let in before and is begun after the withdrawal is ended', async (t) => {
  const database = openSqlite(`${t.testdir({})}/sessions.sqlite`)
  const store = await openStore(database)
  t.teardown(() => store.close())
  const consents = createConsents(database)
  const uid = newUid()
  const now = Date.now()
  let isWithdrawn = true
  let begun = ''
  const endAtClient = async () =>
    (await store.endAtClient(uid, 'an-app', 'ended_by_user', now)).length
  const startPending = async () => {
    if (isWithdrawn) {
      await consents.withdraw(uid, 'an-app')
      await endAtClient()
    }
    begun = randomUUID()
    const live = { expires_at: now + 60_000, absolute_expires_at: now + 60_000 }
    await store.insert({ ...newSession(), ...live, sid: begun, uid, client_id: 'an-app' })
    return begun
  }
  const sessions = { startPending, endAtClient } as unknown as Sessions
  const authorize = createAuthorize({ issuer: ISSUER, sessions, store, consents })
  const request = {
    client: { client_id: 'an-app', first_party: false },
    redirectUri: 'https://app.example/',
    scope: ['openid'],
    codeChallenge: '',
    nonce: null,
  } as unknown as AuthorizationRequest
  const { log } = (await startBridge(t)).app
  const attempt = () =>
    authorize(
      { uid } as Identity,
      request,
      { userAgent: '', address: '' },
      { browserSid: null },
      log,
    )

  await consents.grant(uid, 'an-app', ['openid'], now)
  await t.rejects(attempt(), { code: 'access_denied' })
  t.equal((await store.get(begun))?.revoked_reason, 'ended_by_user')
  isWithdrawn = false
  await consents.grant(uid, 'an-app', ['openid', 'email'], now)
  t.match(await attempt(), /code=/, 'it lives where nothing is withdrawn')
})

test('with a session of Odoo’s own behind it, that is ended, too', async (t) => {
  const { app, odoo } = await startBridge(t)
  const token = accessTokenOf(await login(app))
  await redeem(app, await openBrowser(app).send(requestUrl(), DEMO))
  t.equal(odoo.sessions.size, 2)
  t.equal((await withdraw(app, 'other-app', token)).statusCode, 204)
  t.equal(odoo.sessions.size, 1)
})
