/** An app that wants to be told of sign-outs, and somebody who signs in there, for the unit tests. */
import type { JSONWebKeySet } from 'jose'
import type { Test } from 'tap'
import { ODOO_EVENTS_PATH, PATHS, type OAuthTokenResponse } from '../src/contract/index.ts'
import { DEMO, openBrowser, redeem, requestUrl } from './app.ts'
import { signEvent, startFakeAddon } from './fake-addon.ts'
import { ISSUER, SAME_ORIGIN, type TestBridge } from './helper.ts'
import { startLogoutReceiver } from './logout-receiver.ts'
import { startPairedBridge } from './paired-bridge.ts'
import { client, confidential, post, registering } from './registered-clients.ts'

/** Its authorization request. */
export const APP = { client_id: 'an-app' }
/** The same, for a session that outlives the browser's. */
export const OFFLINE = { ...APP, scope: 'openid offline_access' }

/** A bridge with an app that is told, one of whose users signs in there in a browser. */
export async function startToldApp(t: Test, settings: Record<string, string> = {}) {
  const receiver = await startLogoutReceiver(t)
  const told = { backchannel_logout_uri: receiver.uri }
  const clients = registering(
    t,
    client(told),
    client({ client_id: 'second-app', ...told, backchannel_logout_session_required: true }),
    client({ client_id: 'silent-app' }),
    client({ client_id: 'sales', groups: ['sale.group_a'], ...told }),
    confidential(told),
  )
  const addon = await startFakeAddon(t)
  addon.groups = ['base.group_user', 'sale.group_a']
  const bridge = await startPairedBridge(t, { ...clients, ...settings }, addon)
  await bridge.app.ready()
  const browser = openBrowser(bridge.app)
  const signIn = async (change = {}) =>
    redeem(bridge.app, await browser.send(requestUrl({ ...APP, ...change }), DEMO), 'an-app')
  const letIn = async (change: { client_id: string }) =>
    redeem(bridge.app, await browser.open(requestUrl(change)), change.client_id)
  return { ...bridge, browser, receiver, signIn, letIn }
}

/** The published keys. */
export const keysOf = async ({ app }: Pick<TestBridge, 'app'>) =>
  (await app.inject({ url: PATHS.jwks })).json<JSONWebKeySet>()

/** The refresh token of the browser. */
export const cookieOf = (cookies: Record<string, string>) => cookies['drawbridge_refresh'] ?? ''

/** A refresh of the app. */
export const refresh = (
  { app }: Pick<TestBridge, 'app'>,
  refresh_token: string,
  client_id = 'an-app',
) => post(app, PATHS.token, { grant_type: 'refresh_token', client_id, refresh_token })

/** What somebody does among their devices. */
export const devices = ({ app }: TestBridge, token: string, method: 'GET' | 'DELETE', path = '') =>
  app.inject({ method, url: PATHS.sessions + path, headers: { authorization: `Bearer ${token}` } })

export type Started = Awaited<ReturnType<typeof startToldApp>>
export type Tokens = OAuthTokenResponse

/** What of Odoo's the bridge has to look at. */
export async function tellEvent({ app, addon }: Started, event: object) {
  for (;;) {
    const { body, proof } = signEvent(addon.key, event, ISSUER)
    const headers = { authorization: `Bearer ${proof}`, 'content-type': 'application/json' }
    const url = ODOO_EVENTS_PATH
    const answer = await app.inject({ method: 'POST', url, headers, payload: body })
    if (answer.statusCode === 204) return
    // Until its first round the bridge knows no key.
    if (answer.statusCode !== 401) throw new Error(answer.body)
  }
}

/** An access token of the PWA. */
export const browserToken = async ({ app, browser }: Pick<Started, 'app' | 'browser'>) => {
  const cookies = { drawbridge_refresh: cookieOf(browser.cookies) }
  const answer = await app.inject({
    method: 'POST',
    url: PATHS.refresh,
    headers: SAME_ORIGIN,
    cookies,
    payload: {},
  })
  return answer.json<{ access_token: string }>().access_token
}
