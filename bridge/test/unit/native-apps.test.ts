/** Apps on a device, with a scheme of their own to return to. @see RFC 8252 §7.1 */
import { test, type Test } from 'tap'
import { parseClients } from '../../src/clients/parse.ts'
import { PATHS } from '../../src/contract/index.ts'
import { withParameters } from '../../src/oauth/with-parameters.ts'
import { DEMO, fieldOf, openBrowser, requestUrl } from '../app.ts'
import { ISSUER, login } from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { client, confidential, post, registering } from '../registered-clients.ts'

const OPTIONS = {
  issuer: ISSUER,
  databaseUuid: 'the-uuid',
  accessTokenTtl: 600,
  refreshIdleTtl: 1000,
  refreshAbsoluteTtl: 2000,
  machineClients: true,
  idTokenKey: false,
}
const CALLBACK = 'com.example.app:/callback'
/** What a parser would write anew, in each of its parts. */
const ODD = "com.example.app://Host/a/../b/%7e/.//{c}|'[d]?x=a%20b&y&z=%2F"
const BYE = 'com.example.app:/bye/../x'

const problem = (redirect_uris: string[], make = client): string => {
  try {
    parseClients([make({ redirect_uris })], OPTIONS)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

async function start(t: Test) {
  const native = client({
    client_id: 'native',
    first_party: true,
    redirect_uris: [CALLBACK, ODD],
    post_logout_redirect_uris: [BYE],
  })
  const bridge = await startPairedBridge(t, registering(t, native))
  return { ...bridge, browser: openBrowser(bridge.app) }
}

test('a scheme is taken where it is a name backwards, and nothing else', (t) => {
  const good = [
    CALLBACK,
    ODD,
    'com.example.app:/',
    'com.example.app://callback',
    'a1.b-c+d:/x?y=z',
    'https://app.example/[x]|y',
  ]
  for (const uri of good) t.equal(problem([uri]), '', uri)
  const wrong = [
    'myapp:/callback',
    'javascript:/x',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:/x',
    'intent:/x',
    'https:/app.example/',
    'http:/x.y:/',
    'com.example.app:callback',
    'com.example.app',
    'Com.Example.App:/callback',
    '.example:/x',
    'com..app:/x',
    'com.:/x',
    '1com.example:/x',
    'com.example.app:/x#y',
    'com.example.app:/a b',
    'com.example.app:/a"b',
    'com.example.app:/a\\b',
    'com.example.app:/a\nb',
    'com.example.app:/ü',
    'https://app.example/ü',
    'https://ü.example/',
    ' com.example.app:/x',
    'javascript:x//com.example.app:/',
    'com.example.app:/x\nhttps://app.example/',
  ]
  for (const uri of wrong) t.match(problem([uri]), /redirect_uris\[0\]: expected an absolute/, uri)
  t.match(problem([CALLBACK], confidential), /own scheme is expected with/)
  const leaving = confidential({ post_logout_redirect_uris: [BYE] })
  t.throws(() => parseClients([leaving], OPTIONS), { message: /own scheme is expected with/ })
  t.end()
})

test('it makes nobody’s page one of the client’s', async (t) => {
  const redirect_uris = [CALLBACK, 'https://app.example/x']
  const parsed = parseClients([client({ redirect_uris })], OPTIONS).get('an-app')
  t.same(parsed?.origins, ['https://app.example'])
  t.same(parseClients([client({ redirect_uris: [CALLBACK] })], OPTIONS).get('an-app')?.origins, [])

  const { app } = await start(t)
  const token = { grant_type: 'authorization_code', client_id: 'native', code: 'x' }
  for (const origin of ['null', 'com.example.app:', 'com.example.app://']) {
    const refused = await post(app, PATHS.token, token, { origin })
    t.match(refused.json(), { error: 'origin_refused' }, origin)
    t.notOk(refused.headers['access-control-allow-origin'])
  }
})

test('what is registered comes out letter by letter, with the answer behind it', async (t) => {
  const { browser } = await start(t)
  for (const redirect_uri of [CALLBACK, ODD]) {
    const url = requestUrl({ client_id: 'native', redirect_uri })
    const form = await browser.send(url, DEMO)
    t.match(form.headers['content-security-policy'], "form-action 'self' com.example.app:;")
    const held_identity = fieldOf(form.body, 'held_identity')
    const answer = await browser.send(url, { held_identity, consent: 'allow' })
    t.equal(answer.statusCode, 303)
    const location = String(answer.headers.location)
    const [before, behind] = [
      location.slice(0, redirect_uri.length),
      location.slice(redirect_uri.length),
    ]
    t.equal(before, redirect_uri)
    t.match(behind, redirect_uri === ODD ? /^&code=/ : /^\?code=/)
    const added = new URLSearchParams(behind.slice(1))
    t.equal(added.get('state'), 'the state')
    t.equal(added.get('iss'), ISSUER)
    t.equal([...added.keys()].length, 3)
  }
  t.equal(withParameters('https://a.b?', { x: '1' }), 'https://a.b?x=1')
  t.equal(withParameters('https://a.b?y&', { x: '1' }), 'https://a.b?y&x=1')
  t.equal(withParameters('https://a.b', { x: undefined }), 'https://a.b')
})

test('a form names the scheme to which it may lead, at a sign-in and at a sign-out', async (t) => {
  const { app, browser } = await start(t)
  const form = await app.inject({
    url: requestUrl({ client_id: 'native', redirect_uri: CALLBACK }),
  })
  t.match(form.headers['content-security-policy'], "form-action 'self' com.example.app:;")
  const { cookies } = await login(app)
  browser.cookies['drawbridge_refresh'] = cookies[0]?.value ?? ''
  const query = { client_id: 'native', post_logout_redirect_uri: BYE, state: 's t' }
  const asked = await browser.open(`${PATHS.endSession}?${new URLSearchParams(query).toString()}`)
  t.match(asked.headers['content-security-policy'], "form-action 'self' com.example.app:;")
  const held_request = fieldOf(asked.body, 'held_request')
  const done = await browser.send(PATHS.endSession, { held_request })
  t.equal(done.headers.location, `${BYE}?state=s+t`)
})

test('whoever else took the scheme gets nothing without the person', async (t) => {
  const { browser } = await start(t)
  const asking = { client_id: 'native', redirect_uri: CALLBACK }
  const url = requestUrl(asking)
  const held_identity = fieldOf((await browser.send(url, DEMO)).body, 'held_identity')
  t.match((await browser.send(url, { held_identity, consent: 'allow' })).headers.location, /code=/)

  const again = await browser.open(url)
  t.equal(again.statusCode, 200, 'asked each time, though it was allowed and is of the house')
  t.match(again.body, /asks for access/)
  const silent = await browser.open(requestUrl({ ...asking, prompt: 'none' }))
  t.match(silent.headers.location, /^com\.example\.app:\/callback\?error=consent_required&/)
  const plain = { code_challenge: undefined, code_challenge_method: undefined }
  const stripped = await browser.open(requestUrl({ ...asking, ...plain }))
  t.match(stripped.headers.location, /error=invalid_request/, 'and never without PKCE')
  for (const redirect_uri of [`${CALLBACK}/`, `${CALLBACK}?x`, 'COM.example.app:/callback']) {
    t.equal((await browser.open(requestUrl({ ...asking, redirect_uri }))).statusCode, 400)
  }
})
