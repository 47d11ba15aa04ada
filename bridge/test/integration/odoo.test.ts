import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { OdooRefused, OdooSessionEnded, OdooUnavailable } from '../../src/odoo/port.ts'
import { stockOdoo } from '../../src/odoo/stock.ts'

const { accounts, inside, issuer } = readStack()

const odoo = stockOdoo({
  baseUrl: inside.odooUrl,
  database: inside.odooDatabase,
  timeout: 20,
  roleMap: {
    'base.group_user': 'internal',
    'base.group_portal': 'portal',
    'base.group_system': 'admin',
  },
  issuer,
})

const from = { clientAddress: '198.51.100.7', userAgent: 'a test' }

const signIn = async (account: { login: string; password: string }) => {
  const result = await odoo.signIn({ ...account, ...from })
  if (result.outcome !== 'identity') throw new Error(`Odoo answered ${result.outcome}.`)
  return result.identity
}

const as = async (account: { login: string; password: string }) => {
  const { uid, odooSession } = await signIn(account)
  return odoo.asUser({ uid, odooSession, onRotated: () => Promise.resolve() })
}

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
  const client = odoo.asUser({ ...identity, onRotated: () => Promise.resolve() })
  t.ok(await client.execute_kw('res.partner', 'search_count', [[[]]]))
  await odoo.signOut(identity)
  await t.rejects(client.execute_kw('res.partner', 'search_count', [[[]]]), OdooSessionEnded)
})

test('an Odoo that is not there is told from one that refuses', async (t) => {
  const gone = stockOdoo({
    baseUrl: 'http://127.0.0.1:9',
    database: 'x',
    timeout: 5,
    roleMap: {},
    issuer,
  })
  await t.rejects(gone.signIn({ ...accounts.demo, ...from }), OdooUnavailable)
  await t.rejects(gone.ping(), OdooUnavailable)
  await t.resolves(odoo.ping())
})
