/** How well somebody proved who they are. @see OpenID Connect Core 1.0 §2, §5.5.1.1 */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { ACR_VALUES, acrOf, meetsAcr } from '../../src/tokens/acr.ts'
import {
  answerOf,
  fieldOf,
  idClaims,
  openBrowser,
  redeem,
  requestUrl,
  startWithBrowser,
  type Change,
} from '../app.ts'
import { registering, client } from '../registered-clients.ts'
import { startBridge } from '../helper.ts'

const MULTI = 'urn:drawbridge:multi-factor'
const ONE = 'urn:drawbridge:one-factor'
const PASSWORD = ['pwd']
const BOTH = ['pwd', 'otp', 'mfa']

const claims = (acr: unknown) => JSON.stringify({ id_token: { acr } })
const essential = (more: object) => claims({ essential: true, ...more })

test('acr follows from amr, and says nothing that nobody knows', (t) => {
  t.equal(acrOf(PASSWORD, null), ONE)
  t.equal(acrOf(BOTH, null), MULTI)
  t.equal(acrOf(['pop', 'user', 'mfa'], null), MULTI, 'a passkey')
  t.equal(acrOf([], null), undefined)
  t.equal(acrOf(['pwd', 'otp'], null), ONE, 'nobody said that these were two factors')
  t.equal(acrOf(BOTH, claims({ value: ONE })), ONE, 'what was asked for, where it is true')
  t.equal(acrOf(BOTH, claims({ values: ['other', ONE, MULTI] })), MULTI)
  t.equal(acrOf(PASSWORD, claims({ value: MULTI })), ONE, 'but nothing that is not')
  t.equal(acrOf([], claims({ value: ONE })), undefined)
  t.end()
})

test('what a client cannot do without', (t) => {
  for (const [amr, asked, met] of [
    [PASSWORD, null, true],
    [PASSWORD, claims(null), true],
    [PASSWORD, claims({ value: MULTI }), true],
    [PASSWORD, essential({}), true],
    [[], essential({}), true],
    [PASSWORD, essential({ value: ONE }), true],
    [PASSWORD, essential({ values: [MULTI, ONE] }), true],
    [BOTH, essential({ value: ONE }), true],
    [BOTH, essential({ values: [MULTI] }), true],
    [PASSWORD, essential({ value: MULTI }), false],
    [PASSWORD, essential({ values: [MULTI] }), false],
    [BOTH, essential({ values: ['other'] }), false],
    [BOTH, essential({ values: [] }), false],
    [BOTH, essential({ value: null, values: null }), false],
    [BOTH, essential({ values: { 0: MULTI } }), false],
    [[], essential({ value: ONE }), false],
    [PASSWORD, JSON.stringify({ id_token: 'acr' }), true],
    [PASSWORD, JSON.stringify({ userinfo: { acr: { essential: true, value: MULTI } } }), true],
  ] as const) {
    t.equal(meetsAcr(amr, asked), met, `${amr.join(' ')} ${asked ?? ''}`)
  }
  t.end()
})

test('the ID token says it, whatever acr_values asks for, and metadata lists what there is', async (t) => {
  const { app, signIn } = await startWithBrowser(t)
  const tokens = await redeem(app, await signIn({ acr_values: `${MULTI} ${ONE}` }))
  t.equal(idClaims(tokens.id_token).acr, ONE)
  const metadata = (await app.inject({ url: PATHS.openidConfiguration })).json<object>()
  t.match(metadata, { acr_values_supported: ACR_VALUES })
  const twice = await openBrowser(app).open(`${requestUrl({ acr_values: ONE })}&acr_values=${ONE}`)
  t.equal(answerOf(twice).get('error'), 'invalid_request')
})

test('who did not sign in by what is essential is not let in, by no way', async (t) => {
  const { browser, signIn } = await startWithBrowser(t)
  const strict = { claims: essential({ values: [MULTI] }) }
  const error = 'unmet_authentication_requirements'
  const isRefused = (change: Change, answer: Parameters<typeof answerOf>[0]) => {
    t.equal(answerOf(answer).get('error'), error, JSON.stringify(change))
    t.notOk(answerOf(answer).has('code'))
    t.equal(answerOf(answer).get('state'), 'the state')
  }
  isRefused({}, await signIn(strict))
  t.ok(answerOf(await signIn()).has('code'), 'the browser is signed in')
  for (const change of [{}, { prompt: 'none' }]) {
    isRefused(change, await browser.open(requestUrl({ ...strict, ...change })))
  }
  // Nobody is asked to consent to what they will not get.
  const asking = { ...strict, client_id: 'asking-app' }
  isRefused(asking, await browser.open(requestUrl(asking)))
  t.ok(answerOf(await browser.open(requestUrl({ claims: essential({ value: ONE }) }))).has('code'))
})

test('who signed in by two factors is', async (t) => {
  const { app } = await startBridge(t, registering(t, client({ client_id: 'other-app' })))
  const request = requestUrl({ claims: essential({ values: [MULTI] }) })
  const browser = openBrowser(app)
  const due = await browser.send(request, { login: 'second', password: 'second' })
  const held_password = fieldOf(due.body, 'held_password')
  const answer = await browser.send(request, { login: 'second', held_password, totp: '123456' })
  const tokens = await redeem(app, answer)
  t.equal(idClaims(tokens.id_token).acr, MULTI)
  t.same(idClaims(tokens.id_token).amr, BOTH)
})
