/** "Continue with Odoo", as far as the bridge has a hand in it. The addon's part has tests of its own. */
import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { test, type Test } from 'tap'
import { CONTINUE_PATH, PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { answerOf, redeem, requestUrl, type Change } from '../app.ts'
import { continueWithOdoo } from '../fake-addon.ts'
import {
  accessClaims,
  accessTokenOf,
  cookieOf,
  ISSUER,
  logout,
  REDIRECT_URI,
  refresh,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'

const COOKIE = 'drawbridge_continue'
const BEGIN = `${CONTINUE_PATH}/odoo`
const CALLBACK = `${BEGIN}/callback`

/** What a browser sends when its person follows a link of the bridge's, or one of Odoo's. */
const OWN_LINK = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'document' }
const FROM_ODOO = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }

const begin = (
  app: FastifyInstance,
  returnTo?: string,
  headers: Record<string, string> = OWN_LINK,
) => {
  const query =
    returnTo === undefined ? '' : `?${new URLSearchParams({ return_to: returnTo }).toString()}`
  return app.inject({ url: BEGIN + query, headers })
}

const valueOf = (response: LightMyRequestResponse) =>
  response.cookies.find(({ name }) => name === COOKIE)?.value ?? ''

const comeBack = (
  app: FastifyInstance,
  query: URLSearchParams,
  cookie: string | undefined,
  headers: Record<string, string> = FROM_ODOO,
) =>
  app.inject({
    url: `${CALLBACK}?${query.toString()}`,
    headers,
    ...(cookie === undefined ? {} : { cookies: { [COOKIE]: cookie } }),
  })

/** A page that says what is wrong, and signs nobody in. */
function refused(t: Test, response: LightMyRequestResponse, status: number, words: RegExp): void {
  t.equal(response.statusCode, status)
  t.match(response.headers['content-type'], 'text/html')
  t.match(response.headers['content-security-policy'], "default-src 'none'")
  t.match(response.body, words)
  t.equal(cookieOf(response), undefined)
  t.equal(response.headers.location, undefined)
}

test('whoever Odoo knows is signed in, and back where they were', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const begun = await begin(app, '/contacts?search=a#b')
  t.equal(begun.statusCode, 303)
  const address = new URL(begun.headers.location ?? '')
  t.equal(address.origin + address.pathname, 'http://odoo.localhost:8069/auth_drawbridge/continue')
  t.same([...address.searchParams.keys()], ['state', 'code_challenge'])
  t.match(begun.cookies[0], { name: COOKIE, httpOnly: true, sameSite: 'Lax', maxAge: 600 })
  t.notMatch(decodeURIComponent(valueOf(begun)), 'contacts', 'sealed')

  const back = await comeBack(app, addon.handOff(address.href), valueOf(begun))
  t.equal(back.statusCode, 303)
  t.equal(back.headers.location, '/contacts?search=a#b')
  t.equal(back.headers['cache-control'], 'no-store')
  t.match(
    back.cookies.find(({ name }) => name === COOKIE),
    { value: '', maxAge: 0 },
    'for one return',
  )
  const claims = accessClaims(accessTokenOf(await refresh(app, refreshTokenOf(back))))
  t.match(claims, { sub: '6', client_id: 'drawbridge-pwa', amr: ['pop'], auth_time: 1_700_000_000 })
})

test('another app gets its code, and the browser is signed in for the next one', async (t) => {
  const bridge = await startPairedBridge(t)
  const verifier = randomBytes(32).toString('base64url')
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    state: 'the state & more',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const url = `${PATHS.authorize}?${request.toString()}`
  const form = await bridge.app.inject({ url, headers: OWN_LINK })
  const link = /href="([^"]+)">Continue with Odoo/.exec(form.body)?.[1] ?? ''
  const begun = await bridge.app.inject({ url: link.replaceAll('&amp;', '&'), headers: OWN_LINK })
  const query = bridge.addon.handOff(begun.headers.location ?? '')
  const back = await comeBack(bridge.app, query, valueOf(begun))
  const address = new URL(back.headers.location ?? '')
  t.equal(address.origin + address.pathname, REDIRECT_URI)
  t.equal(address.searchParams.get('state'), 'the state & more')
  t.equal(address.searchParams.get('iss'), ISSUER)
  const cookie = { drawbridge_refresh: refreshTokenOf(back) }
  const again = await bridge.app.inject({ url, headers: OWN_LINK, cookies: cookie })
  t.match(again.headers.location, `${REDIRECT_URI}?code=`)
  const tokens = await bridge.app.inject({
    method: 'POST',
    url: PATHS.token,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'other-app',
      redirect_uri: REDIRECT_URI,
      code: address.searchParams.get('code') ?? '',
      code_verifier: verifier,
    }).toString(),
  })
  const { access_token } = tokens.json<OAuthTokenResponse>()
  t.match(accessClaims(access_token), { sub: '6', client_id: 'other-app', amr: ['pop'] })
})

test('an app that wants a fresh sign-in gets one at Odoo, too, and of whom it expects', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const come = async (change: Change, auth_time: number) => {
    addon.atOdoo = { ...addon.atOdoo, auth_time }
    const begun = await begin(app, requestUrl(change))
    const address = begun.headers.location ?? ''
    const after = new URL(address).searchParams.get('after')
    return { after, back: await comeBack(app, addon.handOff(address), valueOf(begun)) }
  }
  const now = Math.floor(Date.now() / 1000)
  const any = await come({}, now - 5000)
  t.equal(any.after, null)
  t.ok(answerOf(any.back).has('code'))

  for (const [change, oldest] of [
    [{ prompt: 'login' }, now],
    [{ max_age: '100' }, now - 100],
  ] as const) {
    const fresh = await come(change, now)
    t.ok(Math.abs(Number(fresh.after) - oldest) <= 2, JSON.stringify(change))
    t.ok(answerOf(fresh.back).has('code'))
    // Whoever took `after` out of the address has a code of Odoo's, and an older sign-in.
    refused(t, (await come(change, oldest - 10)).back, 403, /Nobody was signed in/)
  }

  const { id_token = '' } = await redeem(app, (await come({}, now)).back)
  t.ok(answerOf((await come({ id_token_hint: id_token }, now)).back).has('code'))
  addon.atOdoo = { ...addon.atOdoo, uid: 7 }
  const other = await come({ id_token_hint: id_token }, now)
  t.equal(answerOf(other.back).get('error'), 'login_required')
})

test('a victim does not finish what somebody else began', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const attacker = await begin(app)
  const query = addon.handOff(attacker.headers.location ?? '')
  t.comment('who follows a link with the state of another browser, with no attempt of their own')
  refused(t, await comeBack(app, query, undefined), 400, /not begun in this browser/)
  t.comment('with one of their own')
  const victim = await begin(app)
  refused(t, await comeBack(app, query, valueOf(victim)), 400, /not begun in this browser/)
  t.comment("the attacker's code with the victim's state")
  const mixed = new URLSearchParams(query)
  mixed.set('state', new URL(victim.headers.location ?? '').searchParams.get('state') ?? '')
  refused(t, await comeBack(app, mixed, valueOf(victim)), 403, /Nobody was signed in/)
  t.same(
    addon.calls.filter((name) => name === 'redeem'),
    ['redeem'],
    'a code is shown to Odoo only where the state is right',
  )
})

test('a return is good once, whole, and from Odoo', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const attempt = async (
    change: (query: URLSearchParams) => void,
    cookie: (value: string) => string = (value) => value,
    headers?: Record<string, string>,
  ) => {
    const begun = await begin(app)
    const query = addon.handOff(begun.headers.location ?? '')
    change(query)
    return comeBack(app, query, cookie(valueOf(begun)), headers)
  }
  const nothing = () => undefined
  const denied = /Nobody was signed in/
  refused(
    t,
    await attempt((query) => {
      query.set('iss', 'odoo:another')
    }),
    403,
    denied,
  )
  refused(
    t,
    await attempt((query) => {
      query.delete('iss')
    }),
    403,
    denied,
  )
  refused(
    t,
    await attempt((query) => {
      query.delete('code')
    }),
    403,
    denied,
  )
  refused(
    t,
    await attempt((query) => {
      query.set('code', 'made up')
    }),
    403,
    denied,
  )
  refused(
    t,
    await attempt((query) => {
      query.append('code', 'x')
    }),
    400,
    /malformed/,
  )
  refused(
    t,
    await attempt((query) => {
      query.append('state', 'x')
    }),
    400,
    /malformed/,
  )
  refused(
    t,
    await attempt((query) => {
      query.delete('state')
    }),
    400,
    /not begun/,
  )
  refused(t, await attempt(nothing, (value) => `${value}A`), 400, /not begun/)
  refused(t, await attempt(nothing, () => ''), 400, /not begun/)
  const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }
  refused(t, await attempt(nothing, undefined, framed), 400, /malformed/)

  const begun = await begin(app)
  const query = addon.handOff(begun.headers.location ?? '')
  t.equal((await comeBack(app, query, valueOf(begun))).statusCode, 303)
  refused(t, await comeBack(app, query, valueOf(begun)), 403, denied)
  const twice = await app.inject({
    url: `${CALLBACK}?${query.toString()}`,
    headers: { ...FROM_ODOO, cookie: `${COOKIE}=${valueOf(begun)}; ${COOKIE}=x` },
  })
  refused(t, twice, 400, /malformed/)
})

test('an attempt lasts ten minutes', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const begun = await begin(app)
  const query = addon.handOff(begun.headers.location ?? '')
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 600_000 })
  refused(t, await comeBack(app, query, valueOf(begun)), 400, /took too long/)
})

test('nobody is sent elsewhere, and no other site begins it', async (t) => {
  const { app } = await startPairedBridge(t)
  for (const elsewhere of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/.//evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '',
    `/${'a'.repeat(3000)}`,
    `/${'ä'.repeat(500)}`,
  ]) {
    const response = await begin(app, elsewhere)
    refused(t, response, 400, /malformed/)
    t.equal(valueOf(response), '')
  }
  const doubled = await app.inject({ url: `${BEGIN}?return_to=/&return_to=/x`, headers: OWN_LINK })
  refused(t, doubled, 400, /malformed/)
  for (const site of ['cross-site', 'same-site']) {
    const headers = { ...OWN_LINK, 'sec-fetch-site': site }
    refused(t, await begin(app, '/', headers), 403, /same origin/)
  }
  refused(t, await begin(app, '/', { ...OWN_LINK, 'sec-fetch-dest': 'image' }), 403, /same origin/)
  t.equal((await begin(app, `/${'a'.repeat(1800)}`)).statusCode, 303)
  refused(t, await begin(app, `/?${'\\'.repeat(1000)}`), 400, /malformed/)
})

test('where Odoo does not answer, the page says so and nobody is in', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const begun = await begin(app)
  const query = addon.handOff(begun.headers.location ?? '')
  addon.failWith = 500
  refused(t, await comeBack(app, query, valueOf(begun)), 503, /Odoo does not answer/)
})

test('who may not sign in any more is not let in', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  addon.stamps.delete(6)
  refused(t, await continueWithOdoo(app, addon), 403, /Nobody was signed in/)
})

test('it is offered where it is configured', async (t) => {
  const offered = async (app: FastifyInstance) =>
    (await app.inject({ url: PATHS.methods })).json<unknown>()
  t.same(await offered((await startPairedBridge(t)).app), {
    providers: [{ id: 'odoo', name: 'Odoo', url: BEGIN }],
  })
  const { app } = await startBridge(t)
  t.same(await offered(app), { providers: [] })
  refused(t, await begin(app), 404, /nothing at this address/)
})

test('signing out signs that browser out of Odoo, as configured', async (t) => {
  for (const [setting, asked] of [
    ['both', [{ uid: 6, browser: 'B'.repeat(42) }]],
    ['to_odoo', [{ uid: 6, browser: 'B'.repeat(42) }]],
    ['from_odoo', []],
    ['none', []],
  ] as const) {
    const { app, addon } = await startPairedBridge(t, { ODOO_SINGLE_LOGOUT: setting })
    const token = refreshTokenOf(await continueWithOdoo(app, addon))
    t.equal((await logout(app, token)).statusCode, 204)
    t.same(addon.signOuts, asked, setting)
  }
})
