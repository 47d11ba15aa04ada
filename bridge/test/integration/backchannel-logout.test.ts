/** Apps are told of sign-outs: two bridges on PostgreSQL, keys in OpenBao, people of a real Odoo. */
import { performance } from 'node:perf_hooks'
import type { JSONWebKeySet } from 'jose'
import { test, type Test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { PATHS } from '../../src/contract/index.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import { idClaims, openBrowser, redeem, requestUrl } from '../app.ts'
import { logout } from '../helper.ts'
import { startLogoutReceiver, verifyLogoutToken } from '../logout-receiver.ts'
import { makePerson, odooAs } from '../odoo-people.ts'
import { client, registering } from '../registered-clients.ts'

const { accounts, inside, issuer } = readStack()

/** Seconds: far below what a second try would take. */
const SLOWEST = 5

/** Of this test alone: the stack's own bridge, on the same database, does not know it. */
const CLIENT_ID = 'told-app'

async function start(t: Test) {
  const receiver = await startLogoutReceiver(t)
  const clients = registering(
    t,
    client({ client_id: CLIENT_ID, backchannel_logout_uri: receiver.uri }),
  )
  const settings = {
    ...clients,
    DATABASE_URL: inside.bridgeDatabaseUrl,
    ODOO_RECONCILE_INTERVAL: '1',
  }
  const { app } = await startAddonBridge(t, settings)
  await app.ready()
  const other = await startAddonBridge(t, settings)
  await other.app.ready()
  const admin = await odooAs(t, accounts.admin)

  const signIn = async () => {
    const person = await makePerson(admin)
    const browser = openBrowser(app)
    const { login, password } = person
    const answer = await browser.send(requestUrl({ client_id: CLIENT_ID }), { login, password })
    const tokens = await redeem(app, answer, CLIENT_ID)
    return { person, browser, ...idClaims(tokens.id_token) }
  }

  /** What was told as the next, and how many seconds after. */
  const toldAfter = async (end: () => PromiseLike<unknown>) => {
    const { length } = receiver.received
    const since = performance.now()
    await end()
    const received = (await receiver.came(length + 1))[length]
    const seconds = (performance.now() - since) / 1000
    const keys = (await app.inject({ url: PATHS.jwks })).json<JSONWebKeySet>()
    const claims = await verifyLogoutToken(received?.logoutToken ?? '', keys, issuer, CLIENT_ID)
    return { claims, seconds }
  }
  return { app, other: other.app, admin, receiver, signIn, toldAfter }
}

test('signed out in the browser, or archived in Odoo: the app is told, by one bridge', async (t) => {
  const { app, other, admin, receiver, signIn, toldAfter } = await start(t)
  for (let run = 0; run < 3; run++) {
    const { browser, sub, sid } = await signIn()
    const cookie = browser.cookies['drawbridge_refresh'] ?? ''
    const { claims, seconds } = await toldAfter(() => logout(app, cookie))
    t.match(claims, { sub, sid })
    t.ok(seconds < SLOWEST, `${seconds.toFixed(2)} s from the sign-out`)
  }
  const { person, sub, sid } = await signIn()
  const { claims, seconds } = await toldAfter(() =>
    admin.execute_kw('res.users', 'write', [[[person.uid], { active: false }]]),
  )
  t.match(claims, { sub, sid })
  t.ok(seconds < SLOWEST, `${seconds.toFixed(2)} s from Odoo's write`)
  await Promise.all([app.close(), other.close()])
  t.equal(receiver.received.length, 4, 'each once')
})
