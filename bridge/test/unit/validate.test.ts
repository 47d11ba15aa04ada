import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { PATHS, type ValidateResponse } from '../../src/contract/index.ts'
import { signingKey } from '../../src/keys/signing-key.ts'
import {
  accessClaims,
  accessTokenOf,
  API_AUDIENCE,
  errorOf,
  GATE_CREDENTIAL,
  login,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'

test('A6: valid, and what the token says', async (t) => {
  const { app } = await startBridge(t)
  const token = accessTokenOf(await login(app))
  const answer = (await validate(app, token)).json<ValidateResponse>()
  t.equal(answer.status, 'Valid')
  t.same(answer.claims, accessClaims(token), 'all of it, as it stands in the token')
})

test('A6: invalid, and not a word why', async (t) => {
  const { app } = await startBridge(t)
  const signedIn = await login(app)
  const token = accessTokenOf(signedIn)
  const other = accessTokenOf(await login((await startBridge(t)).app))
  const bad = { other, refresh: refreshTokenOf(signedIn), cut: token.slice(0, -2), text: 'x' }
  for (const [what, value] of Object.entries(bad)) {
    t.same((await validate(app, value)).json(), { status: 'Invalid' }, what)
  }
  t.same((await validate(app, token, 'odoo:other')).json(), { status: 'Invalid' }, 'audience')
})

test('A6: expired is told apart', async (t) => {
  const { app, files } = await startBridge(t)
  const claims = accessClaims(accessTokenOf(await login(app)))
  const { signing_key } = JSON.parse(readFileSync(files.keys, 'utf8')) as { signing_key: string }
  const expired = (seconds: number): Promise<string> => {
    const exp = Math.floor(Date.now() / 1000) - seconds
    return signingKey(signing_key, 0).sign('at+jwt', { ...claims, iat: exp - 600, exp })
  }
  const answerTo = async (token: string) => (await validate(app, token)).json<ValidateResponse>()
  t.same(await answerTo(await expired(6)), { status: 'Expired' })
  t.match(await answerTo(await expired(1)), { status: 'Valid' }, 'clocks may differ a little')
  t.same(await answerTo(`${(await expired(6)).slice(0, -2)}AA`), { status: 'Invalid' }, 'forged')
})

test('only the gate is answered', async (t) => {
  const { app } = await startBridge(t)
  const payload = { token: accessTokenOf(await login(app)), audience: API_AUDIENCE }
  const bad = [
    '',
    'Bearer',
    `Bearer ${GATE_CREDENTIAL}x`,
    `Basic ${GATE_CREDENTIAL}`,
    `Bearer ${payload.token}`,
  ]
  for (const authorization of bad) {
    const headers = authorization === '' ? {} : { authorization }
    const response = await app.inject({ method: 'POST', url: PATHS.validate, headers, payload })
    t.equal(response.statusCode, 401, authorization.slice(0, 12))
    t.equal(errorOf(response), 'invalid_gate_credential')
  }
})
