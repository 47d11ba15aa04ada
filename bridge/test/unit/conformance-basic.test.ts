/**
 * The modules of the certification profile "Basic OP", by their names; docs/conformance.md says what
 * each is about. What all of them check is in the relying party.
 */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { FORM } from '../app.ts'
import { basic, post, SECRET } from '../registered-clients.ts'
import { assertTokenError, startRelyingParty } from '../relying-party.ts'

const CROSS_SITE = { 'sec-fetch-site': 'cross-site' }

test('oidcc-server', async (t) => {
  const { flow, userInfo } = await startRelyingParty(t)
  const { returned, browser, claims, access_token } = await flow()
  t.same(returned.met, ['sign-in', 'consent'])
  t.same(await userInfo(access_token), { sub: claims.sub })
  const second = await flow({ client_id: 'another-server' }, browser)
  t.same(second.returned.met, ['consent'])
  t.equal(second.claims.sub, claims.sub)
  t.not(second.returned.parameters.get('code'), returned.parameters.get('code'))
})

test('oidcc-response-type-missing', async (t) => {
  const { ask, back, newBrowser } = await startRelyingParty(t)
  const asked = ask({ response_type: undefined })
  const answer = back(await newBrowser().open(asked.url), asked)
  t.equal(answer.get('error'), 'invalid_request')
})

test('oidcc-userinfo-get', async (t) => {
  const { flow, userInfo } = await startRelyingParty(t)
  const { access_token, claims } = await flow()
  t.equal((await userInfo(access_token))['sub'], claims.sub)
})

test('oidcc-userinfo-post-header', async (t) => {
  const { app, flow, path } = await startRelyingParty(t)
  const { access_token, claims } = await flow()
  const headers = { authorization: `Bearer ${access_token}` }
  const answer = await app.inject({ method: 'POST', url: path('userinfo_endpoint'), headers })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^application\/json/)
  t.same(answer.json(), { sub: claims.sub })
})

test('oidcc-userinfo-post-body', async (t) => {
  const { app, flow, path } = await startRelyingParty(t)
  const { access_token, claims } = await flow()
  const payload = new URLSearchParams({ access_token }).toString()
  const url = path('userinfo_endpoint')
  const answer = await app.inject({ method: 'POST', url, headers: FORM, payload })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^application\/json/)
  t.same(answer.json(), { sub: claims.sub })
})

test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async (t) => {
  const { flow } = await startRelyingParty(t)
  t.notOk('nonce' in (await flow({ nonce: undefined })).claims)
})

test('oidcc-alternate-happy-flow', async (t) => {
  const { flow, ask, visit, redeem, newBrowser, userInfo } = await startRelyingParty(t)
  const asked = ask({ scope: 'email openid' })
  const [path = '', query] = asked.url.split('?')
  const reversed = new URLSearchParams([...new URLSearchParams(query)].reverse())
  const turned = { ...asked, url: `${path}?${reversed.toString()}` }
  const { access_token } = await redeem(turned, await visit(newBrowser(), turned))
  const info = await userInfo(access_token)
  t.same(info, await userInfo((await flow({ scope: 'openid email' })).access_token))
  t.notOk('name' in info)
})

test('oidcc-display-page', async (t) => {
  const { flow } = await startRelyingParty(t)
  t.same((await flow({ display: 'page' })).returned.met, ['sign-in', 'consent'])
})

test('oidcc-display-popup', async (t) => {
  const { flow } = await startRelyingParty(t)
  t.same((await flow({ display: 'popup' })).returned.met, ['sign-in', 'consent'])
})

test('oidcc-ensure-request-with-unknown-parameter-succeeds', async (t) => {
  const { flow } = await startRelyingParty(t)
  t.ok((await flow({ extra: 'foobar' })).access_token)
})

test('oidcc-login-hint', async (t) => {
  const { ask, flow, newBrowser } = await startRelyingParty(t)
  const form = await newBrowser().open(ask({ login_hint: 'demo' }).url)
  t.match(form.body, /name="login"\s+value="demo"/)
  t.ok((await flow({ login_hint: 'buffy@id.example.com' })).access_token)
})

test('oidcc-ui-locales', async (t) => {
  const { ask, flow, newBrowser } = await startRelyingParty(t)
  t.ok((await flow({ ui_locales: 'se' })).access_token)
  const form = await newBrowser().open(ask({ ui_locales: 'se de en' }).url)
  t.match(form.body, '<html lang="de">')
})

test('oidcc-claims-locales', async (t) => {
  const { flow } = await startRelyingParty(t)
  t.ok((await flow({ claims_locales: 'se' })).access_token)
})

test('oidcc-ensure-request-with-acr-values-succeeds', async (t) => {
  const { flow, metadata } = await startRelyingParty(t)
  const offered = metadata['acr_values_supported'] as string[]
  const { claims } = await flow({ acr_values: offered.join(' ') })
  t.ok(offered.includes(String(claims.acr)), String(claims.acr))
  t.ok((await flow({ acr_values: '1 2' })).access_token, 'wishes, no more')
})

test('oidcc-ensure-registered-redirect-uri', async (t) => {
  const { ask, newBrowser } = await startRelyingParty(t)
  const { parameters } = ask()
  for (const changed of ['/x', '?x=y', '#x']) {
    const redirect_uri = `${parameters['redirect_uri'] ?? ''}${changed}`
    const answer = await newBrowser().open(ask({ redirect_uri }).url)
    t.equal(answer.statusCode, 400)
    t.match(answer.headers['content-type'], /^text\/html/)
    t.match(answer.body, /return address is not registered/)
    t.notOk('location' in answer.headers)
  }
})

test('oidcc-ensure-post-request-succeeds', async (t) => {
  const { ask, visit, redeem, newBrowser } = await startRelyingParty(t)
  const asked = ask()
  const browser = newBrowser()
  const posted = await browser.send(PATHS.authorize, asked.parameters, CROSS_SITE)
  const begun = browser.open(String(posted.headers.location))
  t.ok((await redeem(asked, await visit(browser, asked, begun))).id_token)
})

test('oidcc-server-client-secret-post', async (t) => {
  const { app, flow, path } = await startRelyingParty(t)
  t.ok((await flow({ client_id: 'posting-server' })).id_token)
  const grant = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x' }
  const otherWay = basic('posting-server', SECRET)
  assertTokenError(await post(app, path('token_endpoint'), grant, otherWay), 'invalid_client')
})

test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async (t) => {
  const { ask, back, newBrowser } = await startRelyingParty(t)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const request = `${part({ alg: 'none' })}.${part(ask().parameters)}.`
  const asked = ask({ request })
  const answer = back(await newBrowser().open(asked.url), asked)
  t.equal(answer.get('error'), 'request_not_supported')
})

test('oidcc-ensure-request-object-with-redirect-uri', async (t) => {
  const { ask, newBrowser } = await startRelyingParty(t)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const request = `${part({ alg: 'none' })}.${part(ask().parameters)}.`
  const redirect_uri = 'https://app.example/another'
  const answer = await newBrowser().open(ask({ request, redirect_uri }).url)
  t.equal(answer.statusCode, 400)
  t.match(answer.body, /return address is not registered/)
  t.notOk('location' in answer.headers)
})

test('oidcc-ensure-request-with-valid-pkce-succeeds', async (t) => {
  const { ask, visit, redeem, newBrowser } = await startRelyingParty(t)
  // RFC 7636 appendix B.
  const code_verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const asked = ask({ code_challenge, code_challenge_method: 'S256' })
  const tokens = await redeem(asked, await visit(newBrowser(), asked), { code_verifier })
  t.ok(tokens.id_token)
})
