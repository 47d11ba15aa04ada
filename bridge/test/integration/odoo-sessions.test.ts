import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import type { OdooClient } from '../../src/odoo/port.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import { accessClaims, accessTokenOf, errorOf, login, refresh, refreshTokenOf } from '../helper.ts'
import { makePerson, odooAs, type Person } from '../odoo-people.ts'

const { accounts, inside, issuer } = readStack()

/** The rows of a list that an action of Odoo has just opened. */
const rowsOf = (odoo: OdooClient) =>
  odoo.searchRead<{ id: number; user_id: [number, string]; app: string; kind: string }>(
    'drawbridge.session',
    [],
    ['user_id', 'app', 'kind'],
  )

const call = (odoo: OdooClient, method: string, ...args: unknown[]) =>
  odoo.execute_kw('drawbridge.session', method, [args])

test('in Odoo people see and end what they are signed in to, and administrators all of it', async (t) => {
  const { app } = await startAddonBridge(t, { DATABASE_URL: inside.bridgeDatabaseUrl })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const admin = await odooAs(t, accounts.admin)
  const setAddress = (value: string) =>
    admin.execute_kw('ir.config_parameter', 'set_param', [['auth_drawbridge.bridge_url', value]])
  await setAddress(url)
  t.teardown(() => setAddress(inside.bridgeUrl))

  const [person, other] = [await makePerson(admin), await makePerson(admin)]
  const signIn = async ({ login: name, password }: Person) => {
    const response = await login(app, { login: name, password })
    t.equal(response.statusCode, 200, response.body)
    return { cookie: refreshTokenOf(response), ...accessClaims(accessTokenOf(response)) }
  }
  const mine = await signIn(person)
  const theirs = await signIn(other)

  // The bridge answers 401 until it has asked this Odoo for its key, which it does as it starts.
  const settings = (await admin.execute_kw('res.config.settings', 'create', [[{}]])) as number
  await admin.execute_kw('res.config.settings', 'action_auth_drawbridge_test', [[settings]])
  const [{ auth_drawbridge_verdict: verdict } = { auth_drawbridge_verdict: '' }] =
    await admin.read<{ auth_drawbridge_verdict: string }>(
      'res.config.settings',
      [settings],
      ['auth_drawbridge_verdict'],
    )
  t.match(verdict, /Everything is right/, issuer)

  const asPerson = await odooAs(t, person)
  await call(asPerson, 'action_open_own', [])
  const own = await rowsOf(asPerson)
  t.match(own, [{ user_id: [person.uid], app: 'Drawbridge', kind: 'own' }])
  t.equal(own.length, 1)
  await t.rejects(call(asPerson, 'action_open_all'), 'administrators only')
  await call(asPerson, 'action_end', own[0]?.id)
  t.equal(errorOf(await refresh(app, mine.cookie)), 'invalid_refresh_token')
  t.same(await rowsOf(asPerson), [])

  await call(admin, 'action_open_all')
  const all = await rowsOf(admin)
  const row = all.find(({ user_id: [uid] }) => uid === other.uid)
  t.notOk(all.some(({ user_id: [uid] }) => uid === person.uid))
  const stillLives = await refresh(app, theirs.cookie)
  t.equal(stillLives.statusCode, 200)
  await call(admin, 'action_end_all_of_user', row?.id)
  t.equal(errorOf(await refresh(app, refreshTokenOf(stillLives))), 'invalid_refresh_token')
})
