import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { PATHS, type ProtectedData } from '../../src/contract/index.ts'
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
import { enableTotp, makePerson, odooAs } from '../odoo-people.ts'

const { accounts } = readStack()

const dataFor = async (app: FastifyInstance, response: Parameters<typeof accessTokenOf>[0]) =>
  app.inject({
    url: PATHS.protectedData,
    headers: gateHeaders(accessClaims(accessTokenOf(response))),
  })

test('the addon knows its people, and the bridge acts as them without a session of theirs', async (t) => {
  const { app } = await startAddonBridge(t)
  const signedIn = await login(app, accounts.demo)
  t.equal(signedIn.statusCode, 200, signedIn.body)
  const { roles, amr } = accessClaims(accessTokenOf(signedIn))
  t.same(roles, ['internal'])
  t.same(amr, ['pwd'])
  const data = (await dataFor(app, signedIn)).json<ProtectedData>()
  t.equal(data.user.login, accounts.demo.login)

  const outside = await login(app, accounts.portal)
  t.same(accessClaims(accessTokenOf(outside)).roles, ['portal'])
  const less = (await dataFor(app, outside)).json<ProtectedData>()
  t.ok(less.total < data.total, `${less.total} and ${data.total}`)

  const wrong = await login(app, { ...accounts.demo, password: 'no' })
  t.equal(errorOf(wrong), 'invalid_credentials')
  t.equal((await logout(app, refreshTokenOf(signedIn))).statusCode, 204)
})

test('a second factor by way of the addon', async (t) => {
  const { app } = await startAddonBridge(t)
  const person = await makePerson(await odooAs(t, accounts.admin))
  const code = await enableTotp(await odooAs(t, person), person)
  const trying = (totp?: string) =>
    login(app, { login: person.login, password: person.password, ...(totp ? { totp } : {}) })
  t.equal(errorOf(await trying()), 'mfa_required')
  t.equal(errorOf(await trying(code(0))), 'invalid_totp', 'used already')
  const right = await trying(code(1))
  t.same(accessClaims(accessTokenOf(right)).amr, ['pwd', 'otp', 'mfa'])
  t.equal(errorOf(await trying(code(1))), 'invalid_totp', 'each code once')
})

test('a changed password, other groups and an archived user are seen at the next check', async (t) => {
  const { app, files } = await startAddonBridge(t)
  const admin = await odooAs(t, accounts.admin)
  const person = await makePerson(admin, ['base.group_portal'])
  const write = (values: object) => admin.execute_kw('res.users', 'write', [[[person.uid], values]])
  const { login: name } = person
  const first = await login(app, { login: name, password: person.password })
  t.same(accessClaims(accessTokenOf(first)).roles, ['portal'])

  const [internal] = await admin.searchRead<{ res_id: number }>(
    'ir.model.data',
    [
      ['module', '=', 'base'],
      ['name', '=', 'group_user'],
    ],
    ['res_id'],
  )
  await write({ group_ids: [[6, 0, [internal?.res_id]]] })
  ageChecks(files.sqlite, 301)
  const second = await refresh(app, refreshTokenOf(first))
  t.same(accessClaims(accessTokenOf(second)).roles, ['internal'])

  await write({ password: 'another' })
  ageChecks(files.sqlite, 301)
  t.equal(errorOf(await refresh(app, refreshTokenOf(second))), 'invalid_refresh_token')

  const again = await login(app, { login: name, password: 'another' })
  await write({ active: false })
  ageChecks(files.sqlite, 301)
  t.equal(errorOf(await refresh(app, refreshTokenOf(again))), 'invalid_refresh_token')
  t.equal(errorOf(await dataFor(app, again)), 'session_ended')
})

test('a bridge that the addon is not paired with is told from one whose user is wrong', async (t) => {
  const { app } = await startAddonBridge(t, { ODOO_DATABASE_UUID: 'another' })
  const response = await login(app, accounts.demo)
  t.equal(response.statusCode, 503)
  t.equal(errorOf(response), 'odoo_unavailable')
})
