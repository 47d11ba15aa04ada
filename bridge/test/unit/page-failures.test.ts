/** What goes wrong while a person sits before it is said in a page, never in JSON. */
import { DatabaseSync } from 'node:sqlite'
import Fastify, { type LightMyRequestResponse } from 'fastify'
import { test, type Test } from 'tap'
import { parseClients } from '../../src/clients/parse.ts'
import { CONTINUE_PATH, ERRORS, PATHS } from '../../src/contract/index.ts'
import { KeysUnavailable } from '../../src/keys/port.ts'
import { TEXTS } from '../../src/pages/texts.ts'
import { errors } from '../../src/plugins/errors.ts'
import { pages } from '../../src/plugins/pages.ts'
import {
  createAuthorizationAnswers,
  type AuthorizationAnswerOptions,
} from '../../src/routes/authorization-answer.ts'
import { authorizeRoute, type AuthorizeRouteOptions } from '../../src/routes/oauth-authorize.ts'
import { answerOf, DEMO, fieldOf, FORM, openBrowser, requestUrl, startWithBrowser } from '../app.ts'
import { ageChecks, ISSUER, SAME_ORIGIN, startBridge } from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { client, registering } from '../registered-clients.ts'

/** A page, with this status, that tells this and nothing else. */
const isPage = (t: Test, response: LightMyRequestResponse, status: number, says: RegExp) => {
  t.equal(response.statusCode, status)
  t.match(response.headers['content-type'], 'text/html')
  t.match(response.headers['content-security-policy'], "default-src 'none'; style-src 'nonce-")
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(response.body, /<p role="alert">/)
  t.match(response.body, says)
  t.notOk(response.headers.location)
  if (status === 503) t.ok(response.headers['retry-after'])
}

test('Odoo down: whoever is signed in reads a page in their language, and an app gets an answer', async (t) => {
  const { app, addon } = await startPairedBridge(
    t,
    registering(t, client({ client_id: 'other-app', groups: ['base.group_user'] })),
  )
  const browser = openBrowser(app)
  t.ok(answerOf(await browser.send(requestUrl(), DEMO)).get('code'))
  addon.failWith = 502
  const url = requestUrl({ ui_locales: 'de' })
  const page = await browser.open(url)
  isPage(t, page, 503, /Odoo antwortet nicht\. Versuchen Sie es gleich noch einmal\./)
  t.match(page.body, `href="${url.replaceAll('&', '&amp;')}"`, 'the way on')

  const silent = await browser.open(requestUrl({ prompt: 'none' }))
  t.equal(silent.statusCode, 303)
  t.notOk(silent.headers['retry-after'])
  t.equal(answerOf(silent).get('error'), 'temporarily_unavailable')
  t.equal(answerOf(silent).get('state'), 'the state')
  t.equal(answerOf(silent).get('iss'), ISSUER)
  t.notOk(answerOf(silent).has('code'))

  addon.failWith = undefined
  t.ok(answerOf(await browser.open(requestUrl())).get('code'), 'still signed in')
})

test('Odoo down for longer than is tolerated', async (t) => {
  const { app, addon, files } = await startPairedBridge(t)
  const browser = openBrowser(app)
  await browser.send(requestUrl(), DEMO)
  ageChecks(files.sqlite, 100_000)
  addon.failWith = 502
  isPage(t, await browser.open(requestUrl()), 503, /Odoo does not answer/)
  isPage(t, await browser.open(PATHS.endSession), 503, /Odoo does not answer/)
})

test('a database that fails: a page that says nothing of it', async (t) => {
  const { browser, signIn, files } = await startWithBrowser(t)
  const url = requestUrl({ client_id: 'asking-app' })
  const held_identity = fieldOf((await signIn({ client_id: 'asking-app' })).body, 'held_identity')
  const held_request = fieldOf((await browser.open(PATHS.endSession)).body, 'held_request')
  const database = new DatabaseSync(files.sqlite)
  database.exec('ALTER TABLE sessions RENAME TO lost')
  database.close()
  for (const response of [
    await browser.open(url),
    await browser.send(url, { held_identity, consent: 'allow' }),
    await browser.open(PATHS.endSession),
    await browser.send(PATHS.endSession, { held_request }),
  ]) {
    isPage(t, response, 500, /Something went wrong here\./)
    t.notMatch(response.body, /no such table|SQLITE|lost/i)
  }
  const silent = await browser.open(requestUrl({ prompt: 'none' }))
  t.equal(answerOf(silent).get('error'), 'server_error')
  t.notMatch(silent.headers.location, /table/)
})

test('no keys at hand: a page, and temporarily_unavailable', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(pages)
  const clients = parseClients([client({ client_id: 'other-app' })], {
    issuer: ISSUER,
    databaseUuid: '',
    accessTokenTtl: 600,
    refreshIdleTtl: 600,
    refreshAbsoluteTtl: 600,
    machineClients: false,
    idTokenKey: false,
  })
  const answers = createAuthorizationAnswers({ issuer: ISSUER } as AuthorizationAnswerOptions)
  const browser = { current: () => Promise.reject(new KeysUnavailable('sealed')) }
  await app.register(authorizeRoute, {
    issuer: ISSUER,
    clients,
    answers,
    browser,
  } as unknown as AuthorizeRouteOptions)
  isPage(t, await app.inject({ url: requestUrl() }), 503, /No signing key at hand/)
  const silent = await app.inject({ url: requestUrl({ prompt: 'none' }) })
  t.equal(answerOf(silent).get('error'), 'temporarily_unavailable')
})

test('what does not come from a form of the bridge is refused in a page', async (t) => {
  const { app } = await startBridge(t)
  const paths = [requestUrl(), PATHS.endSession]
  for (const url of paths) {
    const send = (payload: string, headers: object) =>
      app.inject({ method: 'POST', url, payload, headers: { ...FORM, ...headers } })
    const held = 'held_request=x&login=demo&password=demo'
    isPage(t, await send(held, {}), 403, /same origin/)
    isPage(t, await send(held, { 'sec-fetch-site': 'cross-site' }), 403, /same origin/)
    const large = await send(`held_request=${'x'.repeat(70_000)}`, SAME_ORIGIN)
    isPage(t, large, 400, /malformed/)
    isPage(t, await send('x', { 'content-type': 'text/plain' }), 415, /malformed/)
    const cookie = 'drawbridge_refresh=a; drawbridge_refresh=b'
    isPage(t, await app.inject({ url, headers: { cookie } }), 400, /malformed/)
  }
  const page = { 'sec-fetch-dest': 'document' }
  const unknown = await app.inject({ url: `${CONTINUE_PATH}/nobody`, headers: page })
  isPage(t, unknown, 404, /There is nothing/)
})

test('too many attempts are told in the form, with the time to wait', async (t) => {
  const { app } = await startBridge(t)
  const browser = openBrowser(app)
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await browser.send(requestUrl(), { login: 'demo', password: 'wrong' })
  }
  const refused = await browser.send(requestUrl(), DEMO)
  isPage(t, refused, 429, /Too many failed attempts/)
  t.ok(Number(refused.headers['retry-after']) > 60)
  t.match(refused.body, 'name="password"')
})

test('every language has words for the same refusals', (t) => {
  const [english, ...others] = TEXTS
  t.equal(english?.lang, 'en')
  const [first, ...rest] = others.map(({ errors }) => Object.keys(errors).sort())
  for (const codes of rest) t.same(codes, first)
  const told = ['invalid_request', 'odoo_unavailable', 'keys_unavailable', 'server_error'] as const
  for (const { errors } of others) {
    for (const code of told) t.not(errors[code], ERRORS[code].description)
  }
  t.end()
})
