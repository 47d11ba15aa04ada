/** Sign-in at a real OpenID provider, and whom that makes here. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { test, type Test } from 'tap'
import { CONTINUE_PATH, PATHS } from '../../src/contract/index.ts'
import { openIdProvider } from '../../src/providers/openid.ts'
import { parseProviders } from '../../src/providers/settings.ts'
import {
  accessClaims,
  accessTokenOf,
  cookieOf,
  refresh,
  refreshTokenOf,
  REDIRECT_URI,
} from '../helper.ts'
import {
  ADA,
  attemptOf,
  begin,
  BY_EMAIL,
  BY_UID,
  callbackOf,
  comeBack,
  OWN_LINK,
  signInThrough,
  signInUpstream,
  startUpstream,
  startWithProviders,
  type Settings,
} from '../openid-sign-in.ts'

/** A page that says what is wrong, and signs nobody in. */
function refused(t: Test, response: LightMyRequestResponse, status: number, words: RegExp): void {
  t.equal(response.statusCode, status)
  t.match(response.headers['content-type'], 'text/html')
  t.match(response.body, words)
  t.equal(cookieOf(response), undefined)
  t.equal(response.headers.location, undefined)
}

const NOBODY = /Nobody was signed in/
const UNKNOWN = /No user here belongs to that account\. Ask the people who run your Odoo/
const UNAVAILABLE = /That provider does not answer/

/** With one provider, of whose people Odoo knows Ada. */
async function start(t: Test, settings: Settings = BY_EMAIL) {
  const upstream = await startUpstream(t)
  return { upstream, ...(await startWithProviders(t, { example: [upstream, settings] })) }
}

const claimsOf = async (app: FastifyInstance, back: LightMyRequestResponse) =>
  accessClaims(accessTokenOf(await refresh(app, refreshTokenOf(back))))

test('by either rule, whoever is known there is who they are in Odoo', async (t) => {
  for (const settings of [BY_EMAIL, BY_UID]) {
    const { app, addon } = await start(t, settings)
    const before = Math.floor(Date.now() / 1000)
    const back = await signInThrough(app)
    t.equal(back.statusCode, 303)
    t.equal(back.headers.location, '/contacts')
    const claims = await claimsOf(app, back)
    t.match(claims, { sub: '6', client_id: 'drawbridge-pwa', amr: ['pwd', 'mfa'] })
    t.same(claims.roles, ['internal'])
    t.ok(claims.auth_time >= before && claims.auth_time <= claims.iat)
    t.equal(addon.calls.filter((name) => name === 'lookup').length, 1)
  }
})

test('what is asked of the provider is bound to this attempt', async (t) => {
  const { app, upstream } = await start(t)
  const addresses = [await begin(app), await begin(app)].map(
    ({ headers }) => new URL(headers.location ?? ''),
  )
  for (const { origin, searchParams } of addresses) {
    t.equal(origin, upstream.issuer)
    const {
      nonce = '',
      state = '',
      code_challenge = '',
      ...rest
    } = Object.fromEntries(searchParams)
    t.same(rest, {
      client_id: upstream.clientId,
      redirect_uri: callbackOf('example'),
      response_type: 'code',
      scope: 'openid email',
      code_challenge_method: 'S256',
    })
    for (const value of [nonce, state, code_challenge]) t.match(value, /^[\w-]{43}$/)
    t.equal(new Set([nonce, state, code_challenge]).size, 3)
  }
  for (const name of ['nonce', 'state', 'code_challenge']) {
    t.not(addresses[0]?.searchParams.get(name), addresses[1]?.searchParams.get(name), name)
  }
  t.equal(
    upstream.asked.filter((path) => path.includes('.well-known')).length,
    1,
    'discovery once for all',
  )
})

test('two providers are two links, in the form and for the PWA', async (t) => {
  const [one, two] = [await startUpstream(t, 'one'), await startUpstream(t, 'two')]
  const { app } = await startWithProviders(t, { one: [one, BY_EMAIL], two: [two, BY_UID] })
  const methods = await app.inject({ url: PATHS.methods })
  t.same(methods.json(), {
    providers: ['one', 'two'].map((id) => ({
      id,
      name: `The ${id}`,
      url: `${CONTINUE_PATH}/${id}`,
    })),
  })
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    state: 'x',
    code_challenge: createHash('sha256').update('v').digest('base64url'),
    code_challenge_method: 'S256',
  })
  const form = await app.inject({ url: `${PATHS.authorize}?${request.toString()}` })
  const links = [...form.body.matchAll(/own" href="([^"]+)">Continue with (The \w+)</g)]
  t.same(
    links.map(([, , name]) => name),
    ['The one', 'The two'],
  )
  const url = (links[1]?.[1] ?? '').replaceAll('&amp;', '&')
  const begun = await app.inject({ url, headers: OWN_LINK })
  t.equal(new URL(begun.headers.location ?? '').origin, two.issuer)
  const query = await signInUpstream(begun.headers.location ?? '')
  const back = await comeBack(app, query, attemptOf(begun), 'two')
  const address = new URL(back.headers.location ?? '')
  t.equal(address.origin + address.pathname, REDIRECT_URI)
  t.ok(address.searchParams.get('code'))
})

test('a verified e-mail of a configured domain, and nothing less', async (t) => {
  const { app, upstream, addon } = await start(t)
  const person = (changes: object) => {
    upstream.people.set(ADA.sub, { ...ADA, ...changes })
    return signInThrough(app)
  }
  for (const changes of [
    { email_verified: false },
    { email_verified: 'true' },
    { email_verified: 1 },
    { email_verified: undefined },
    { email: undefined },
    { email: '' },
    { email: ['ada@example.com'] },
    { email: 'ada@elsewhere.example' },
    { email: 'ada@evil-example.com' },
    { email: 'ada@example.com.evil.example' },
    { email: 'ada@sub.example.com' },
    { email: 'ada@example.com@evil.example' },
    { email: 'ada@evil.example@example.com' },
    { email: '"ada@example.com"@evil.example' },
    { email: 'ada@example.com\u0000' },
    { email: ' ada@example.com' },
    { email: 'ａda@example.com' },
    { email: '@example.com' },
  ]) {
    refused(t, await person(changes), 403, UNKNOWN)
  }
  t.notOk(addon.calls.includes('lookup'), 'Odoo is not even asked')
  refused(t, await person({ email: 'nobody@example.com' }), 403, UNKNOWN)
  addon.accounts.set(JSON.stringify({ login: 'ada@EXAMPLE.com' }), 6)
  t.equal((await person({ email: 'ada@EXAMPLE.com' })).statusCode, 303, 'a domain has no case')
})

test('e-mail and login are the same, whatever Odoo takes for a login', async (t) => {
  const { app, addon } = await start(t, BY_UID)
  t.equal((await signInThrough(app)).statusCode, 303, 'by the account, the login is another')
  const email = await start(t)
  // As an addon would that looks for the e-mail address in other fields, too.
  email.addon.accounts.set(JSON.stringify({ login: 'ada@example.com' }), 6)
  email.addon.loginOf = () => 'boss'
  refused(t, await signInThrough(email.app), 403, UNKNOWN)
  t.ok(addon.calls.includes('lookup'))
})

test('the account is of that provider in Odoo, letter by letter', async (t) => {
  const upstream = await startUpstream(t, 'example', [ADA, { sub: 'ada-1' }])
  const { app, addon } = await startWithProviders(t, { example: [upstream, BY_UID] })
  refused(t, await signInThrough(app, 'example', 'ada-1'), 403, UNKNOWN)
  addon.accounts.clear()
  addon.accounts.set(JSON.stringify({ oauth: { provider: 4, uid: 'Ada-1' } }), 6)
  refused(t, await signInThrough(app), 403, UNKNOWN)
})

test('the log says which account it was, and no e-mail address or secret', async (t) => {
  const upstream = await startUpstream(t)
  const [settings] = parseProviders([
    {
      id: 'example',
      name: 'Example',
      issuer: upstream.issuer,
      client_id: upstream.clientId,
      client_secret_file: 'elsewhere',
      ...BY_EMAIL,
    },
  ])
  if (!settings) throw new Error('No provider was read.')
  const provider = openIdProvider({
    settings,
    clientSecret: upstream.clientSecret,
    odoo: { lookup: () => Promise.resolve(undefined) },
  })
  t.teardown(() => provider.close())
  const attempt = {
    state: 'the state',
    codeVerifier: 'v'.repeat(43),
    redirectUri: callbackOf('example'),
  }
  const reasonOf = async (): Promise<string> => {
    const query = await signInUpstream(await provider.authorizationUrl(attempt))
    const error: unknown = await provider.identify(query, attempt).catch((it: unknown) => it)
    return inspect(error, { depth: 10 })
  }
  const unknown = await reasonOf()
  t.match(unknown, `sub "Ada-1" of ${upstream.issuer}: no active user of Odoo`)
  t.notMatch(unknown, 'ada@example.com')
  upstream.people.set(ADA.sub, { ...ADA, email_verified: false })
  const unverified = await reasonOf()
  t.match(unverified, /sub "Ada-1" .* e-mail not verified/)
  t.notMatch(unverified, 'ada@example.com')
  upstream.tamper.set('/token', (body) => body.replace('"token_type"', '"other"'))
  const broken = await reasonOf()
  t.match(broken, 'example: ')
  for (const secret of [upstream.clientSecret, 'access_token', 'eyJ']) t.notMatch(broken, secret)
})

test('who may not sign in to Odoo does not come in this way', async (t) => {
  const { app, addon } = await start(t)
  addon.stamps.delete(6)
  refused(t, await signInThrough(app), 403, UNKNOWN)
})

test('a second factor of Odoo is not left out, unless so configured', async (t) => {
  const { app, addon } = await start(t)
  addon.withSecondFactor.add(6)
  refused(t, await signInThrough(app), 403, /Odoo asks you for a second factor/)
  const skipping = await start(t, { ...BY_EMAIL, mfa: 'skip' })
  skipping.addon.withSecondFactor.add(6)
  t.equal((await signInThrough(skipping.app)).statusCode, 303)
})

test('who turns back at the provider is told so', async (t) => {
  const { app } = await start(t)
  const begun = await begin(app)
  const query = await signInUpstream(begun.headers.location ?? '', ADA.sub, 'no')
  t.equal(query.get('error'), 'access_denied')
  refused(t, await comeBack(app, query, attemptOf(begun)), 403, NOBODY)
})

test('an answer is good once, and for the attempt that it is of', async (t) => {
  const { app } = await start(t)
  const begun = await begin(app)
  const query = await signInUpstream(begun.headers.location ?? '')
  t.comment("with another attempt's cookie, and that one's state")
  const other = await begin(app)
  refused(t, await comeBack(app, query, attemptOf(other)), 400, /not begun in this browser/)
  const mixed = new URLSearchParams(query)
  mixed.set('state', new URL(other.headers.location ?? '').searchParams.get('state') ?? '')
  refused(t, await comeBack(app, mixed, attemptOf(other)), 403, NOBODY)
  t.comment('twice')
  const again = await begin(app)
  const good = await signInUpstream(again.headers.location ?? '')
  t.equal((await comeBack(app, good, attemptOf(again))).statusCode, 303)
  refused(t, await comeBack(app, good, attemptOf(again)), 403, NOBODY)
})

test("one provider's answer is nothing to another", async (t) => {
  const [one, two] = [await startUpstream(t, 'one'), await startUpstream(t, 'two')]
  const { app } = await startWithProviders(t, { one: [one, BY_EMAIL], two: [two, BY_EMAIL] })
  const begun = await begin(app, 'one')
  const query = await signInUpstream(begun.headers.location ?? '')
  refused(t, await comeBack(app, query, attemptOf(begun), 'two'), 400, /not begun/)
  t.comment('the answer says who gives it, and the secret goes nowhere else')
  for (const change of [
    (it: URLSearchParams) => {
      it.set('iss', two.issuer)
    },
    (it: URLSearchParams) => {
      it.delete('iss')
    },
  ]) {
    const changed = new URLSearchParams(query)
    change(changed)
    one.asked.length = 0
    refused(t, await comeBack(app, changed, attemptOf(begun), 'one'), 403, NOBODY)
    t.notOk([...one.asked, ...two.asked].includes('/token'))
  }
})

test('a provider that is down keeps nobody else out, and is asked again', async (t) => {
  const [one, two] = [await startUpstream(t, 'one'), await startUpstream(t, 'two')]
  await one.stop()
  const { app } = await startWithProviders(t, { one: [one, BY_EMAIL], two: [two, BY_EMAIL] })
  refused(t, await begin(app, 'one'), 503, UNAVAILABLE)
  t.equal((await signInThrough(app, 'two')).statusCode, 303)

  const discovery = '/.well-known/openid-configuration'
  const third = await start(t)
  third.upstream.instead.set(discovery, (_request, response) => {
    response.writeHead(503).end()
  })
  const asked = () => third.upstream.asked.filter((path) => path === discovery).length
  refused(t, await begin(third.app), 503, UNAVAILABLE)
  refused(t, await begin(third.app), 503, UNAVAILABLE)
  t.equal(asked(), 1, 'not at every click')
  third.upstream.instead.clear()
  const later = Date.now() + 10_001
  t.intercept(Date, 'now', { value: () => later })
  t.equal((await begin(third.app)).statusCode, 303)
  t.equal(asked(), 2)
})

test('a provider that breaks while somebody is there is said to', async (t) => {
  const { app, upstream } = await start(t)
  const begun = await begin(app)
  const query = await signInUpstream(begun.headers.location ?? '')
  upstream.instead.set('/token', (_request, response) => {
    response.writeHead(500).end('no')
  })
  const broken = await comeBack(app, query, attemptOf(begun))
  refused(t, broken, 503, UNAVAILABLE)
  t.ok(broken.headers['retry-after'])
  await upstream.stop()
  refused(t, await comeBack(app, query, attemptOf(begun)), 503, UNAVAILABLE)
})

test('where Odoo does not answer, nobody is in', async (t) => {
  const { app, addon } = await start(t)
  addon.failWith = 500
  refused(t, await signInThrough(app), 503, /Odoo does not answer/)
})

test('new keys of the provider are found, the old ones forgotten', async (t) => {
  const { app, upstream } = await start(t)
  t.equal((await signInThrough(app)).statusCode, 303)
  upstream.rotateKey()
  const later = Date.now() + 61_000
  t.intercept(Date, 'now', { value: () => later })
  t.equal((await signInThrough(app)).statusCode, 303)
  t.equal(upstream.asked.filter((path) => path === '/jwks').length, 2)
})
