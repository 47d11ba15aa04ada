/** Modules of "Basic OP" about codes that are used twice, and refresh tokens. */
import { test, type Test } from 'tap'
import { assertTokenError, startRelyingParty } from '../relying-party.ts'

/** Redeems a code again after so long. */
async function reuse(t: Test, seconds: number) {
  const party = await startRelyingParty(t)
  const { asked, returned, ...tokens } = await party.flow()
  t.intercept(Date, 'now', { value: () => new Date().getTime() + seconds * 1000 })
  const again = await party.callTokenEndpoint({
    grant_type: 'authorization_code',
    code: returned.parameters.get('code') ?? '',
    redirect_uri: asked.parameters['redirect_uri'] ?? '',
  })
  assertTokenError(again, 'invalid_grant')
  return { ...party, ...tokens }
}

test('oidcc-codereuse', async (t) => {
  await reuse(t, 0)
})

test('oidcc-codereuse-30seconds', async (t) => {
  const { app, path, access_token } = await reuse(t, 30)
  const headers = { authorization: `Bearer ${access_token}` }
  const answer = await app.inject({ url: path('userinfo_endpoint'), headers })
  t.equal(answer.statusCode, 401, 'what the code gave is worth nothing any more')
})

test('oidcc-refresh-token', async (t) => {
  const { flow, callTokenEndpoint, readTokens } = await startRelyingParty(t)
  const wanted = { scope: 'openid offline_access', prompt: 'consent' }
  const first = await flow(wanted)
  t.same(first.returned.met, ['sign-in', 'consent'])
  t.match(first.refresh_token, /^[\x20-\x7e]{22,}$/)
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 1000 })
  const grant = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
  const next = await readTokens(await callTokenEndpoint(grant), 'a-server', undefined)
  t.not(next.access_token, first.access_token)
  t.not(next.refresh_token, first.refresh_token)
  for (const claim of ['iss', 'sub', 'aud', 'auth_time', 'sid'] as const) {
    t.equal(next.claims[claim], first.claims[claim], claim)
  }
  t.ok(next.claims.iat > first.claims.iat)

  const { refresh_token } = await flow({ ...wanted, client_id: 'another-server' })
  const stolen = await callTokenEndpoint({ grant_type: 'refresh_token', refresh_token })
  assertTokenError(stolen, 'invalid_grant')
})
