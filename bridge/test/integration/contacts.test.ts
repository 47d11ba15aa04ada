/** Contacts at a real Odoo, by both adapters: as Odoo lets each user see and change them. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { test, type Test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import {
  PATHS,
  type ContactDetails,
  type ContactsPage,
  type ErrorResponse,
  type ProtectedData,
} from '../../src/contract/index.ts'
import type { OdooClient } from '../../src/odoo/port.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import { accessClaims, accessTokenOf, errorOf, gateHeaders, login } from '../helper.ts'
import { makePerson, odooAs, type Person } from '../odoo-people.ts'

const { accounts } = readStack()

/** A user's requests, as the gate passes them on. */
async function requestsOf(app: FastifyInstance, account: { login: string; password: string }) {
  const { login: name, password } = account
  const signedIn = await login(app, { login: name, password })
  const headers = gateHeaders(accessClaims(accessTokenOf(signedIn)))
  return (url: string, options: Pick<InjectOptions, 'method' | 'body'> = {}) =>
    app.inject({ url, headers, ...options })
}
type Requests = Awaited<ReturnType<typeof requestsOf>>

const create = async (admin: OdooClient, model: string, values: object[]): Promise<number[]> =>
  (await admin.execute_kw(model, 'create', [[values]])) as number[]

async function idOf(admin: OdooClient, externalId: string): Promise<number> {
  const [module, name] = externalId.split('.')
  const domain = [
    ['module', '=', module],
    ['name', '=', name],
  ]
  const [found] = await admin.searchRead<{ res_id: number }>('ir.model.data', domain, ['res_id'])
  if (!found) throw new Error(`Odoo has no ${externalId}.`)
  return found.res_id
}

async function allPages(ask: Requests, search: string): Promise<ContactsPage[]> {
  const pages: ContactsPage[] = []
  let after: string | null = ''
  while (after !== null) {
    const query = new URLSearchParams({ search, ...(after === '' ? {} : { after }) })
    const response = await ask(`${PATHS.contacts}?${query.toString()}`)
    if (response.statusCode !== 200) throw new Error(response.body)
    const page = response.json<ContactsPage>()
    pages.push(page)
    after = page.after
  }
  return pages
}

/** One pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const SVG = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
).toString('base64')

async function withContacts(t: Test, adapter: string) {
  const { app } = await startAddonBridge(t, { ODOO_ADAPTER: adapter })
  const admin = await odooAs(t, accounts.admin)
  const person = await makePerson(admin, ['base.group_user', 'base.group_partner_manager'])
  return { app, admin, person, ask: await requestsOf(app, person) }
}

for (const adapter of ['addon', 'stock']) {
  test(`${adapter}: a long list in pages: each once, in order, whatever the names are`, async (t) => {
    const { admin, ask } = await withContacts(t, adapter)
    const mark = randomUUID()
    // Equal names, other letters, quotes and what stands for something in a pattern.
    const names = ['Émile', 'emil', 'Zoë', 'Äpfel', 'O\'Hara "x"', '100%_sure\\', '東京', 'same']
    const values = Array.from({ length: 120 }, (_, n) => ({
      name: n % 2 === 0 ? 'same' : `${names[n % names.length]} ${n % 5}`,
      email: `${n}@${mark}.example`,
    }))
    const made = await create(admin, 'res.partner', values)
    const pages = await allPages(ask, mark)
    t.same(
      pages.map(({ contacts }) => contacts.length),
      [50, 50, 20],
    )
    const seen = pages.flatMap(({ contacts }) => contacts)
    t.same(new Set(seen.map(({ id }) => id)), new Set(made))
    const whole = await admin.searchRead<{ id: number }>('res.partner', [['id', 'in', made]], [], {
      order: 'name, id',
    })
    t.same(
      seen.map(({ id }) => id),
      whole.map(({ id }) => id),
    )
  })

  test(`${adapter}: the search finds all words, wherever they stand, and takes them literally`, async (t) => {
    const { admin, ask } = await withContacts(t, adapter)
    const mark = randomUUID().slice(0, 8)
    const [company = 0] = await create(admin, 'res.partner', [
      { name: `Oak${mark}`, is_company: true },
    ])
    const [ann = 0, percent = 0] = await create(admin, 'res.partner', [
      { name: `Ann${mark}`, parent_id: company, phone: '+32 2 555 77 88', email: `a@${mark}.test` },
      { name: `50%${mark}` },
    ])
    const found = async (search: string) =>
      (await allPages(ask, search)).flatMap(({ contacts }) => contacts.map(({ id }) => id))
    t.same(await found(`oak${mark} ann${mark}`), [ann], 'company and name')
    t.same(await found(`ANN${mark}  555 77`), [ann], 'name and number')
    t.same(await found(`a@${mark}`), [ann])
    t.same(await found(`0%${mark}`), [percent])
    t.same(await found(`5%${mark}`), [], 'a percent sign stands for itself')
    t.same(await found(`Ann_${mark.slice(1)}`), [], 'and so does an underscore')
    t.same(await found(`Ann${mark} nobody`), [])
  })

  test(`${adapter}: one contact, its picture, and a change`, async (t) => {
    const { admin, ask } = await withContacts(t, adapter)
    const [company = 0] = await create(admin, 'res.partner', [{ name: 'Oak', is_company: true }])
    const [id = 0, plain = 0, drawn = 0] = await create(admin, 'res.partner', [
      {
        name: 'Ann',
        parent_id: company,
        type: 'other',
        function: 'Buyer',
        street: 'Rue 1',
        zip: '1000',
        city: 'Brussels',
        country_id: await idOf(admin, 'base.be'),
        image_1920: PNG,
      },
      { name: 'Plain' },
      { name: 'Drawn', image_1920: SVG },
    ])
    const response = await ask(`${PATHS.contacts}/${id}`)
    const contact = response.json<ContactDetails>()
    t.match(contact, {
      id,
      name: 'Ann',
      company: 'Oak',
      job: 'Buyer',
      email: null,
      photo: true,
      is_company: false,
      may_edit: true,
    })
    t.ok(contact.address.includes('Rue 1'), contact.address.join(' | '))
    t.equal(response.headers['cache-control'], 'no-store')

    const photo = await ask(`${PATHS.contacts}/${id}/photo`)
    t.equal(photo.headers['content-type'], 'image/png')
    t.same(photo.rawPayload.subarray(1, 4).toString(), 'PNG')
    t.equal(photo.headers['x-content-type-options'], 'nosniff')
    t.equal((await ask(`${PATHS.contacts}/${plain}/photo`)).statusCode, 404)
    t.equal((await ask(`${PATHS.contacts}/${drawn}/photo`)).statusCode, 404, 'no SVG')

    const changed = await ask(`${PATHS.contacts}/${id}`, {
      method: 'PATCH',
      body: { phone: '+32 2 111 22 33', email: 'ann@example.com' },
    })
    t.match(changed.json(), { phone: '+32 2 111 22 33', email: 'ann@example.com', name: 'Ann' })
    const emptied = await ask(`${PATHS.contacts}/${id}`, { method: 'PATCH', body: { email: null } })
    t.match(emptied.json(), { phone: '+32 2 111 22 33', email: null })
    const [row] = await admin.read<{ phone: string; email: false }>(
      'res.partner',
      [id],
      ['phone', 'email'],
    )
    t.match(row, { phone: '+32 2 111 22 33', email: false })

    await admin.execute_kw('res.partner', 'unlink', [[[plain]]])
    for (const method of ['GET', 'PATCH'] as const) {
      const body = method === 'PATCH' ? { body: { phone: '1' } } : {}
      const gone = await ask(`${PATHS.contacts}/${plain}`, { method, ...body })
      t.equal(errorOf(gone), 'not_found', method)
    }
  })

  test(`${adapter}: who may not change it reads Odoo's own words, in their language`, async (t) => {
    const { app, admin } = await withContacts(t, adapter)
    const person: Person = await makePerson(admin)
    const ask = await requestsOf(app, person)
    const [id = 0] = await create(admin, 'res.partner', [{ name: 'Ann', phone: '1' }])
    t.match((await ask(`${PATHS.contacts}/${id}`)).json(), { may_edit: false })
    const refused = await ask(`${PATHS.contacts}/${id}`, { method: 'PATCH', body: { phone: '2' } })
    t.equal(refused.statusCode, 403)
    const { error, odoo_message } = refused.json<ErrorResponse>()
    t.equal(error, 'odoo_forbidden')
    t.match(odoo_message, /Contact/)
    const [row] = await admin.read<{ phone: string }>('res.partner', [id], ['phone'])
    t.equal(row?.phone, '1')
  })

  test(`${adapter}: what another company keeps for itself is not there, until one works in it`, async (t) => {
    const { app, admin, person } = await withContacts(t, adapter)
    const mark = randomUUID()
    const [own] = (await admin.read<{ company_id: [number, string] }>(
      'res.users',
      [person.uid],
      ['company_id'],
    )) as [{ company_id: [number, string] }]
    const [ownId] = own.company_id
    const [otherId = 0] = await create(admin, 'res.company', [{ name: `Other ${randomUUID()}` }])
    const [hidden = 0] = await create(admin, 'res.partner', [
      { name: 'Hidden', email: `h@${mark}.example`, company_id: otherId },
    ])
    const search = new URLSearchParams({ search: mark }).toString()
    const before = await requestsOf(app, person)
    t.same((await before(`${PATHS.contacts}?${search}`)).json<ContactsPage>().contacts, [])
    t.equal((await before(`${PATHS.contacts}/${hidden}`)).statusCode, 404)
    const denied = await before(`${PATHS.contacts}?${search}&company=${otherId}`)
    t.equal(errorOf(denied), 'odoo_forbidden', 'a company that is not theirs')

    await admin.execute_kw('res.users', 'write', [
      [[person.uid], { company_ids: [[6, 0, [ownId, otherId]]] }],
    ])
    const ask = await requestsOf(app, person)
    const { user: me } = (await ask(PATHS.protectedData)).json<ProtectedData>()
    t.same(
      me.companies.map(({ id }) => id),
      [ownId, otherId],
    )
    const there = await ask(`${PATHS.contacts}?${search}&company=${otherId}`)
    t.same(
      there.json<ContactsPage>().contacts.map(({ id }) => id),
      [hidden],
    )
    const here = await ask(`${PATHS.contacts}?${search}&company=${ownId}`)
    t.same(here.json<ContactsPage>().contacts, [])
  })

  test(`${adapter}: who one is, from the inside and from the outside`, async (t) => {
    const { app, person, ask } = await withContacts(t, adapter)
    const { user: me } = (await ask(PATHS.protectedData)).json<ProtectedData>()
    t.match(me, { uid: person.uid, login: person.login, language: 'en-US' })
    t.equal(me.companies.length, 1)
    const outside = await requestsOf(app, accounts.portal)
    t.match((await outside(PATHS.protectedData)).json(), { user: { login: accounts.portal.login } })
  })
}
