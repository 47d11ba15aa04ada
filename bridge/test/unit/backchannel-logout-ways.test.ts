/** However a session ends, its app is told. @see OpenID Connect Back-Channel Logout 1.0 */
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { DEMO, idClaims, redeem, requestUrl } from '../app.ts'
import { ageChecks, ageRotations, ISSUER, logout } from '../helper.ts'
import { verifyLogoutToken } from '../logout-receiver.ts'
import {
  APP,
  browserToken,
  cookieOf,
  devices,
  keysOf,
  refresh,
  startToldApp,
  tellEvent,
  type Started,
  type Tokens,
} from '../told-app.ts'

const WAYS: Record<string, (bridge: Started, tokens: Tokens) => Promise<unknown>> = {
  'signed out at the PWA': ({ app, browser }) => logout(app, cookieOf(browser.cookies)),
  'signed out by the app itself': ({ browser }, { id_token }) =>
    browser.open(`${PATHS.endSession}?id_token_hint=${id_token ?? ''}`),
  'signed out by another app of the same browser': async ({ browser, letIn }) => {
    const { id_token } = await letIn({ client_id: 'silent-app' })
    await browser.open(`${PATHS.endSession}?id_token_hint=${id_token ?? ''}`)
  },
  'somebody else signs in in the browser': ({ browser }) =>
    browser.send(requestUrl({ client_id: 'silent-app', prompt: 'login' }), {
      login: 'other',
      password: 'other',
    }),
  'ended among the devices': async (bridge, { id_token }) =>
    devices(bridge, await browserToken(bridge), 'DELETE', `/${idClaims(id_token).sid}`),
  'all devices signed out': async (bridge) => devices(bridge, await browserToken(bridge), 'DELETE'),
  'the browser’s session ended among the devices': async (bridge) => {
    const token = await browserToken(bridge)
    const { sid } = idClaims(token)
    await devices(bridge, token, 'DELETE', `/${sid}`)
  },
  'archived in Odoo': (bridge) => {
    bridge.addon.stamps.delete(6)
    return tellEvent(bridge, { uids: [6] })
  },
  'a new password in Odoo': (bridge) => {
    bridge.addon.stamps.set(6, 'another')
    return tellEvent(bridge, { uids: [6] })
  },
  'Odoo says no at a refresh': async (bridge, { refresh_token }) => {
    ageChecks(bridge.files.sqlite, 600)
    bridge.addon.stamps.delete(6)
    await refresh(bridge, refresh_token)
  },
  'an old refresh token was shown': async (bridge, { refresh_token }) => {
    const next = (await refresh(bridge, refresh_token)).json<Tokens>()
    await refresh(bridge, next.refresh_token)
    ageRotations(bridge.files.sqlite, 60)
    await refresh(bridge, refresh_token)
  },
}

test('the app is told, once', async (t) => {
  const bridge = await startToldApp(t)
  const keys = await keysOf(bridge)
  for (const [index, [way, end]] of Object.entries(WAYS).entries()) {
    await t.test(way, async (t) => {
      bridge.addon.stamps.set(6, 'stamp 6')
      const tokens = await bridge.signIn()
      const { sid, sub } = idClaims(tokens.id_token)
      await end(bridge, tokens)
      const received = (await bridge.receiver.came(index + 1))[index]
      const claims = await verifyLogoutToken(received?.logoutToken ?? '', keys, ISSUER, 'an-app')
      t.match(claims, { sub, sid })
    })
  }
  await bridge.app.close()
  t.equal(bridge.receiver.received.length, Object.keys(WAYS).length)
})

test('the app is told: signed out of Odoo’s own pages', async (t) => {
  const bridge = await startToldApp(t)
  const page = { 'sec-fetch-dest': 'document' }
  const { app, addon, receiver } = bridge
  const cookies: Record<string, string> = {}
  const open = async (url: string) => {
    const answer = await app.inject({ url, headers: page, cookies })
    for (const { name, value } of answer.cookies) cookies[name] = value
    return answer
  }
  const path = '/auth/continue/odoo'
  const begun = await open(`${path}?return_to=${encodeURIComponent(requestUrl(APP))}`)
  const query = addon.handOff(begun.headers.location ?? '')
  const back = await open(`${path}/callback?${query.toString()}`)
  const { id_token } = await redeem(app, back, 'an-app')
  addon.signedOut.add(addon.atOdoo.browser)
  await tellEvent(bridge, { browsers: [addon.atOdoo.browser] })
  const [received] = await receiver.came(1)
  t.equal(idClaims(received?.logoutToken).sid, idClaims(id_token).sid)
})

test('the app is told: its user left the group that it is for', async (t) => {
  const bridge = await startToldApp(t)
  await bridge.signIn({ client_id: 'silent-app' })
  const tokens = await bridge.letIn({ client_id: 'sales' })
  bridge.addon.groups = ['base.group_user']
  ageChecks(bridge.files.sqlite, 600)
  t.equal((await refresh(bridge, tokens.refresh_token, 'sales')).statusCode, 400)
  const [received] = await bridge.receiver.came(1)
  t.match(idClaims(received?.logoutToken), { sid: idClaims(tokens.id_token).sid, aud: 'sales' })
})

test('the app is told: its code was shown twice', async (t) => {
  const bridge = await startToldApp(t)
  const answer = await bridge.browser.send(requestUrl(APP), DEMO)
  const { id_token } = await redeem(bridge.app, answer, 'an-app')
  await redeem(bridge.app, answer, 'an-app')
  const [received] = await bridge.receiver.came(1)
  t.equal(idClaims(received?.logoutToken).sid, idClaims(id_token).sid)
})
