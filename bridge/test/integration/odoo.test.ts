import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { odooHttp } from '../../src/odoo/http.ts'
import { OdooRefused, OdooSessionEnded, OdooUnavailable } from '../../src/odoo/port.ts'
import { stockOdoo } from '../../src/odoo/stock.ts'
import { enableTotp, makePerson, userOf } from '../odoo-people.ts'

const { accounts, inside, issuer, parts } = readStack()

const http = odooHttp({ baseUrl: inside.odooUrl, timeout: 20_000, connections: 4 })
after(() => http.close())

const odoo = stockOdoo({
  http,
  checkHttp: http,
  database: inside.odooDatabase,
  roleMap: {
    'base.group_user': 'internal',
    'base.group_portal': 'portal',
    'base.group_system': 'admin',
  },
  otherGroups: () => ['base.group_partner_manager'],
  issuer,
})

const from = { clientAddress: '198.51.100.7', userAgent: 'a test', totp: undefined }

const signIn = async (account: { login: string; password: string }) => {
  const result = await odoo.signIn({ ...account, ...from })
  if (result.outcome !== 'identity') throw new Error(`Odoo answered ${result.outcome}.`)
  return result.identity
}

const as = async (account: { login: string; password: string }) =>
  odoo.asUser(userOf(await signIn(account)))

test('A real Odoo knows its people, and their groups become roles', async (t) => {
  const roles = async (account: { login: string; password: string }) =>
    (await signIn(account)).roles.sort()
  t.same(await roles(accounts.demo), ['internal'])
  t.same(await roles(accounts.portal), ['portal'])
  t.same(await roles(accounts.admin), ['admin', 'internal'])
  const wrong = await odoo.signIn({ login: accounts.demo.login, password: 'no', ...from })
  t.same(wrong, { outcome: 'denied' })
  const unknown = await odoo.signIn({ login: 'nobody', password: 'no', ...from })
  t.same(unknown, { outcome: 'denied' })
})

test('A7.1.1: each sees what Odoo lets them see', async (t) => {
  const count = async (account: { login: string; password: string }) =>
    Number(await (await as(account)).execute_kw('res.partner', 'search_count', [[[]]]))
  const [internal, outside] = await Promise.all([count(accounts.demo), count(accounts.portal)])
  t.ok(internal > outside, `${internal} and ${outside}`)
  t.ok(outside > 0)
  await t.rejects(
    (await as(accounts.portal)).execute_kw('res.users', 'unlink', [[[2]]]),
    OdooRefused,
  )
})

test('odoo-await’s own calls work over JSON-RPC', async (t) => {
  const client = await as(accounts.demo)
  const { uid } = await signIn(accounts.demo)
  const [user] = await client.read<{ login: string }>('res.users', [uid], ['login'])
  t.equal(user?.login, accounts.demo.login)
  const partners = await client.searchRead<{ name: string }>('res.partner', [], ['name'], {
    limit: 3,
  })
  t.equal(partners.length, 3)
})

test('a session that was ended at Odoo is over', async (t) => {
  const identity = await signIn(accounts.demo)
  const client = odoo.asUser(userOf(identity))
  t.ok(await client.execute_kw('res.partner', 'search_count', [[[]]]))
  await odoo.signOut(identity)
  await t.rejects(client.execute_kw('res.partner', 'search_count', [[[]]]), OdooSessionEnded)
})

test('an Odoo that is not there is told from one that refuses', async (t) => {
  const nowhere = odooHttp({ baseUrl: 'http://127.0.0.1:9', timeout: 5000, connections: 1 })
  t.teardown(() => nowhere.close())
  const gone = stockOdoo({
    http: nowhere,
    checkHttp: nowhere,
    database: 'x',
    roleMap: {},
    otherGroups: () => [],
    issuer,
  })
  await t.rejects(gone.signIn({ ...accounts.demo, ...from }), OdooUnavailable)
  await t.rejects(gone.ping(), OdooUnavailable)
  await t.resolves(odoo.ping())
})

test('a second factor goes through Odoo’s own form', async (t) => {
  const person = await makePerson(await as(accounts.admin))
  const code = await enableTotp(await as(person), person)
  const trying = (totp: string | undefined, password = person.password) =>
    odoo.signIn({ ...person, ...from, password, totp })

  t.same(await trying(undefined), { outcome: 'second_factor_required' })
  t.same(await trying(code(1), 'not the password'), { outcome: 'denied' })
  t.same(await trying('no code'), { outcome: 'second_factor_denied' })
  t.same(await trying(code(0)), { outcome: 'second_factor_denied' }, 'used already')
  const right = await trying(code(1))
  t.match(right, { outcome: 'identity', identity: { uid: person.uid, amr: ['pwd', 'otp', 'mfa'] } })
  if (right.outcome !== 'identity') return
  const client = odoo.asUser(userOf(right.identity))
  const [user] = await client.read<{ login: string }>('res.users', [person.uid], ['login'])
  t.equal(user?.login, person.login, 'the session is a whole one')
  t.same(await trying(code(1)), { outcome: 'second_factor_denied' }, 'each code once')
})

test('a check tells who is still who they were, and what they may do', async (t) => {
  const admin = await as(accounts.admin)
  const write = (uid: number, values: object) =>
    admin.execute_kw('res.users', 'write', [[[uid], values]])
  const person = await makePerson(admin)
  const checked = async () => userOf(await signIn(person))
  const user = await checked()
  t.match(await odoo.check(user), { roles: ['internal'] })

  const [system] = await admin.searchRead<{ id: number; group_ids: number[] }>(
    'res.users',
    [['login', '=', accounts.admin.login]],
    ['group_ids'],
  )
  await write(person.uid, { group_ids: [[6, 0, system?.group_ids ?? []]] })
  t.same((await odoo.check(user)).roles.sort(), ['admin', 'internal'], 'the groups of now')

  await write(person.uid, { password: 'another' })
  await t.rejects(odoo.check(user), OdooSessionEnded, 'a new password')
  person.password = 'another'
  const again = await checked()
  await write(person.uid, { active: false })
  await t.rejects(odoo.check(again), OdooSessionEnded, 'archived')
  await write(person.uid, { active: true })
  const last = await checked()
  await admin.execute_kw('res.users', 'unlink', [[[person.uid]]])
  await t.rejects(odoo.check(last), OdooSessionEnded, 'deleted')
})

test('the id that Odoo gives an old session is kept, whoever of several gets it', async (t) => {
  const identity = await signIn(accounts.demo)
  makeOld(identity.odooSession ?? '')
  const given: string[] = []
  const client = () =>
    odoo.asUser({
      ...userOf(identity),
      onRotated: (id) => {
        given.push(id)
        return Promise.resolve()
      },
    })
  const count = (odooClient: ReturnType<typeof client>) =>
    odooClient.execute_kw('res.partner', 'search_count', [[[]]])
  const counts = await Promise.all([1, 2, 3, 4].map(() => count(client())))
  t.ok(counts.every((each) => Number(each) > 0))
  t.equal(given.length, 4, 'each was told')
  for (const id of given) {
    t.not(id, identity.odooSession)
    const next = userOf({ ...identity, odooSession: id })
    t.ok(Number(await count(odoo.asUser(next))) > 0, 'and whichever is on record is good')
  }
})

/** As if the session had been given its id more than three hours ago. */
function makeOld(id: string): void {
  const log = parts.find(({ name }) => name === 'Odoo')?.logFile ?? ''
  const [file] = globSync(join(dirname(dirname(log)), 'odoo/sessions/**', id))
  if (file === undefined) throw new Error('Odoo keeps its sessions elsewhere.')
  const session = JSON.parse(readFileSync(file, 'utf8')) as { create_time: number }
  writeFileSync(file, JSON.stringify({ ...session, create_time: session.create_time - 4 * 3600 }))
}
