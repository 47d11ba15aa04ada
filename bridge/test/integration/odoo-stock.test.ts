/** The bridge on an Odoo as it comes, while the stack runs the adapter of the addon. */
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { PATHS, type ProtectedData } from '../../src/contract/index.ts'
import type { OdooClient } from '../../src/odoo/port.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import {
  accessClaims,
  accessTokenOf,
  ageChecks,
  errorOf,
  gateHeaders,
  login,
  logout,
  refresh,
  refreshTokenOf,
} from '../helper.ts'
import { makePerson, odooAs, type Person } from '../odoo-people.ts'

const { accounts, parts } = readStack()
const STOCK = { ODOO_ADAPTER: 'stock' }

const dataFor = (app: FastifyInstance, signedIn: LightMyRequestResponse) =>
  app.inject({
    url: PATHS.protectedData,
    headers: gateHeaders(accessClaims(accessTokenOf(signedIn))),
  })

interface Action {
  res_model?: string
  res_id?: number
}

interface Device {
  id: number
  is_current: boolean
  /** How the id of its session begins. */
  session_identifier: string
}

/** The one device in the list of the person's preferences beside this client's own. */
async function deviceOfBridge(own: OdooClient): Promise<Device> {
  const all = await own.searchRead<Device>('res.device', [], ['is_current', 'session_identifier'])
  const [device, ...more] = all.filter(({ is_current }) => !is_current)
  if (device === undefined || more.length > 0) throw new Error(`Odoo lists ${all.length} devices.`)
  return device
}

/** Whether Odoo still keeps the session of a device. */
function isKept({ session_identifier }: Device): boolean {
  const log = parts.find(({ name }) => name === 'Odoo')?.logFile ?? ''
  const sessions = join(dirname(dirname(log)), 'odoo/sessions')
  return globSync(join(sessions, '**', `${session_identifier}*`)).length > 0
}

/** Ends a device as its button does, with the question for the password. */
async function endDevice(own: OdooClient, { password }: Person, id: number): Promise<void> {
  const action = (await own.execute_kw('res.device', 'revoke', [[[id]]])) as Action | null
  if (action?.res_model !== 'res.users.identitycheck') return
  const context = { password }
  await own.execute_kw(action.res_model, 'run_check', [[[action.res_id]], { context }])
}

test('a stock Odoo shows each what they may see, and signing out ends the session there', async (t) => {
  const { app } = await startAddonBridge(t, STOCK)
  const person = await makePerson(await odooAs(t, accounts.admin))
  const own = await odooAs(t, person)
  const signedIn = await login(app, { login: person.login, password: person.password })
  t.equal(signedIn.statusCode, 200, signedIn.body)
  const { roles, amr } = accessClaims(accessTokenOf(signedIn))
  t.same([roles, amr], [['internal'], ['pwd']])
  const data = (await dataFor(app, signedIn)).json<ProtectedData>()
  t.equal(data.user.login, person.login)
  t.ok(data.total > 0)
  t.equal((await refresh(app, refreshTokenOf(signedIn))).statusCode, 200)

  const device = await deviceOfBridge(own)
  t.ok(isKept(device), 'it stands in Odoo’s list of devices')
  t.equal((await logout(app, refreshTokenOf(signedIn))).statusCode, 204)
  t.notOk(isKept(device))
})

test('whoever ends the bridge’s device in a stock Odoo ends the session', async (t) => {
  const { app, files } = await startAddonBridge(t, STOCK)
  const person = await makePerson(await odooAs(t, accounts.admin))
  const own = await odooAs(t, person)
  const signedIn = await login(app, { login: person.login, password: person.password })
  t.equal((await dataFor(app, signedIn)).statusCode, 200)
  await endDevice(own, person, (await deviceOfBridge(own)).id)
  t.equal(errorOf(await dataFor(app, signedIn)), 'session_ended')
  ageChecks(files.sqlite, 301)
  t.equal(errorOf(await refresh(app, refreshTokenOf(signedIn))), 'invalid_refresh_token')
})
