/** The modules of the certification profile "Back-Channel Logout OP", by their names. */
import { test } from 'tap'
import { decodeProtectedHeader } from 'jose'
import { startLogoutReceiver, verifyLogoutToken } from '../logout-receiver.ts'
import { AFTERWARDS, ISSUER, startRelyingParty } from '../relying-party.ts'

test('oidcc-backchannel-logout-discovery-endpoint-verification', async (t) => {
  const { metadata } = await startRelyingParty(t)
  t.match(metadata, {
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
  t.match(metadata['end_session_endpoint'], `${ISSUER}/`)
})

test('oidcc-backchannel-rp-initiated-logout', async (t) => {
  const receiver = await startLogoutReceiver(t)
  const { flow, ask, back, path, jwks } = await startRelyingParty(t, {
    backchannel_logout_uri: receiver.uri,
    backchannel_logout_session_required: true,
  })
  const { browser, claims, id_token = '' } = await flow()
  const leaving = new URLSearchParams({
    id_token_hint: id_token,
    post_logout_redirect_uri: AFTERWARDS,
    state: 'bye',
  })
  const answer = await browser.open(`${path('end_session_endpoint')}?${leaving.toString()}`)
  t.equal(answer.headers.location, `${AFTERWARDS}?state=bye`)

  const [received] = await receiver.came(1)
  const token = received?.logoutToken ?? ''
  t.equal(received?.method, 'POST')
  t.match(received?.contentType, /^application\/x-www-form-urlencoded/)
  t.equal(received?.body, `logout_token=${token}`, 'nothing beside it')
  t.equal(decodeProtectedHeader(token).alg, decodeProtectedHeader(id_token).alg)
  const told = await verifyLogoutToken(token, jwks, ISSUER, 'a-server')
  t.match(told, { sub: claims.sub, sid: claims.sid })

  const asked = ask({ prompt: 'none' })
  t.equal(back(await browser.open(asked.url), asked).get('error'), 'login_required')
})
