/** The modules of the certification profile "RP-Initiated Logout OP", by their names. */
import { test, type Test } from 'tap'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { fieldOf, type Change } from '../app.ts'
import { AFTERWARDS, ISSUER, startRelyingParty } from '../relying-party.ts'

/** Somebody who has signed in, and whom the app now sends to sign out. */
async function startSignedIn(t: Test) {
  const party = await startRelyingParty(t)
  const { ask, back, path, flow } = party
  const { browser, id_token = '', claims } = await flow()
  const leave = (change: Change = {}) => {
    const parameters = new URLSearchParams()
    const wanted: Change = {
      id_token_hint: id_token,
      post_logout_redirect_uri: AFTERWARDS,
      state: 'the/state +1',
      ...change,
    }
    for (const [name, value] of Object.entries(wanted)) {
      if (value !== undefined) parameters.set(name, value)
    }
    return browser.open(`${path('end_session_endpoint')}?${parameters.toString()}`)
  }
  /** Whether the app gets a code without anybody doing anything. */
  const isSignedIn = async (): Promise<boolean> => {
    const asked = ask({ prompt: 'none' })
    const answer = back(await browser.open(asked.url), asked)
    if (answer.has('error')) t.equal(answer.get('error'), 'login_required')
    return answer.has('code')
  }
  t.ok(await isSignedIn())
  return { ...party, browser, id_token, claims, leave, isSignedIn }
}

test('oidcc-rp-initiated-logout-discovery-endpoint-verification', async (t) => {
  const { metadata } = await startRelyingParty(t)
  t.match(metadata['end_session_endpoint'], `${ISSUER}/`)
})

test('oidcc-rp-initiated-logout', async (t) => {
  const { leave, isSignedIn } = await startSignedIn(t)
  const answer = await leave()
  t.equal(answer.statusCode, 303)
  const address = new URL(String(answer.headers.location))
  t.equal(`${address.origin}${address.pathname}`, AFTERWARDS)
  t.same([...address.searchParams], [['state', 'the/state +1']], 'nothing else')
  t.notOk(await isSignedIn())
})

test('oidcc-rp-initiated-logout-no-state', async (t) => {
  const { leave, isSignedIn } = await startSignedIn(t)
  const answer = await leave({ state: undefined })
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers.location, AFTERWARDS)
  t.notOk(await isSignedIn())
})

/** The person is told, goes nowhere, and stays signed in. */
const staysHere = (title: string, changed: (idToken: string) => Change | Promise<Change>) =>
  test(title, async (t) => {
    const { leave, id_token, isSignedIn } = await startSignedIn(t)
    const answer = await leave(await changed(id_token))
    t.equal(answer.statusCode, 400)
    t.match(answer.headers['content-type'], /^text\/html/)
    t.match(answer.body, /is not registered/)
    t.notMatch(answer.body, 'app.example')
    t.notOk('location' in answer.headers)
    t.ok(await isSignedIn())
  })

staysHere('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', () => ({
  post_logout_redirect_uri: `${AFTERWARDS}/x`,
}))

staysHere('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', () => ({
  post_logout_redirect_uri: `${AFTERWARDS}?foo=bar`,
}))

staysHere('oidcc-rp-initiated-logout-no-id-token-hint', () => ({ id_token_hint: undefined }))

staysHere('oidcc-rp-initiated-logout-modified-id-token-hint', (idToken) => {
  const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
  return { id_token_hint: `${header}.${idToken.split('.')[1] ?? ''}.` }
})

staysHere('oidcc-rp-initiated-logout-bad-id-token-hint', async (idToken) => {
  const [header = '', payload = ''] = idToken.split('.')
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, string>
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  // As if it were of the bridge's own key, in each word that it says of itself.
  const own = { ...read(header), alg: 'RS256', jwk: await exportJWK(publicKey) }
  const forged = new SignJWT(read(payload)).setProtectedHeader(own)
  return { id_token_hint: await forged.sign(privateKey) }
})

/** The person is asked where nobody proves who asks, and then is out, and goes nowhere. */
const staysAndIsOut = (title: string, change: Change, asks: boolean) =>
  test(title, async (t) => {
    const { leave, browser, path, isSignedIn } = await startSignedIn(t)
    const page = await leave(change)
    t.equal(page.statusCode, 200)
    const held_request = fieldOf(page.body, 'held_request')
    t.equal(held_request !== '', asks)
    const done = asks ? await browser.send(path('end_session_endpoint'), { held_request }) : page
    t.equal(done.statusCode, 200)
    t.match(done.body, /You are signed out/)
    t.notOk(await isSignedIn())
  })

const NO_HINT = { id_token_hint: undefined, post_logout_redirect_uri: undefined }

staysAndIsOut('oidcc-rp-initiated-logout-no-params', { ...NO_HINT, state: undefined }, true)

staysAndIsOut('oidcc-rp-initiated-logout-only-state', NO_HINT, true)

staysAndIsOut(
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri',
  { post_logout_redirect_uri: undefined },
  false,
)
