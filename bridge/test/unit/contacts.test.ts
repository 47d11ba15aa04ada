import { test } from 'tap'
import {
  GATE_HEADERS,
  PATHS,
  SCOPE_READ,
  type ContactsPage,
  type ErrorResponse,
} from '../../src/contract/index.ts'
import { accessClaims, accessTokenOf, errorOf, gateHeaders, login, startBridge } from '../helper.ts'

type Setup = Parameters<typeof startBridge>[0]

async function signedIn(t: Setup) {
  const { app, odoo } = await startBridge(t)
  const headers = gateHeaders(accessClaims(accessTokenOf(await login(app))))
  return { app, odoo, headers }
}

test('a page, and where the next one begins', async (t) => {
  const { app, odoo, headers } = await signedIn(t)
  const partner = { email: false, phone: '', city: false, commercial_company_name: false }
  odoo.contacts = Array.from({ length: 51 }, (_, n) => ({
    ...partner,
    id: n + 1,
    name: `Ann ${n}`,
    is_company: false,
    image_128: false,
  }))
  const first = (await app.inject({ url: PATHS.contacts, headers })).json<ContactsPage>()
  t.equal(first.contacts.length, 50)
  t.same(first.contacts[0], {
    id: 1,
    name: 'Ann 0',
    email: null,
    phone: null,
    city: null,
    company: null,
    is_company: false,
    photo: false,
  })
  const query = new URLSearchParams({ after: String(first.after) }).toString()
  odoo.contacts = odoo.contacts.slice(50)
  const last = await app.inject({ url: `${PATHS.contacts}?${query}`, headers })
  t.equal(last.json<ContactsPage>().after, null)
  t.match(odoo.calls.at(-1)?.params, {
    args: [
      [
        ['name', '!=', false],
        '|',
        ['name', '>', 'Ann 49'],
        '&',
        ['name', '=', 'Ann 49'],
        ['id', '>', 50],
      ],
    ],
  })
})

test('what is no query, no id and no change never gets to Odoo', async (t) => {
  const { app, odoo, headers } = await signedIn(t)
  const before = odoo.calls.length
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const queries = [
    'after=x',
    `after=${encoded(['a', 1.5])}`,
    `after=${encoded([1, 1])}`,
    `after=${encoded(null)}`,
    `after=${encoded({ name: 'a' })}`,
    `after=${encoded(['a\u0000', 1])}`,
    `after=${encoded(['a\ud800', 1])}`,
    `after=${encoded(['a', 2 ** 31])}`,
    `after=${encoded(['a', 0])}`,
    'search=a&search=b',
    `search=${'a'.repeat(101)}`,
    'search=a%00b',
    'company=0',
    'company=-1',
    'company=1e3',
    'company=1&company=2',
    'company=99999999999',
  ]
  for (const query of queries) {
    const response = await app.inject({ url: `${PATHS.contacts}?${query}`, headers })
    t.equal(errorOf(response), 'invalid_request', query)
  }
  for (const id of ['0', '-1', '1.5', 'x', '01', '1%20', '99999999999', '%5B1%5D']) {
    const response = await app.inject({ url: `${PATHS.contacts}/${id}`, headers })
    t.equal(errorOf(response), 'invalid_request', id)
  }
  const changes = [
    {},
    { name: 'x' },
    { email: 1 },
    { phone: ['1'] },
    { phone: '1\n2' },
    { phone: '1\ud800' },
    { email: 'a'.repeat(255) },
  ]
  for (const body of changes) {
    const url = `${PATHS.contacts}/1`
    const response = await app.inject({ method: 'PATCH', url, headers, body })
    t.equal(errorOf(response), 'invalid_request', JSON.stringify(body))
  }
  t.equal(odoo.calls.length, before)
})

test('a token to read with changes nothing', async (t) => {
  const { app, odoo, headers } = await signedIn(t)
  const before = odoo.calls.length
  const response = await app.inject({
    method: 'PATCH',
    url: `${PATHS.contacts}/1`,
    headers: { ...headers, [GATE_HEADERS.scope]: SCOPE_READ },
    body: { phone: '1' },
  })
  t.equal(errorOf(response), 'insufficient_scope')
  t.equal(odoo.calls.length, before)
})

test('without the gate there are no contacts, no pictures and no names', async (t) => {
  const { app, headers } = await signedIn(t)
  const bare = { ...headers, [GATE_HEADERS.credential]: 'x'.repeat(43) }
  const paths = [
    PATHS.protectedData,
    PATHS.contacts,
    `${PATHS.contacts}/1`,
    `${PATHS.contacts}/1/photo`,
  ]
  for (const url of paths) {
    t.equal(errorOf(await app.inject({ url, headers: bare })), 'invalid_gate_credential', url)
  }
})

test('what Odoo refuses has a code of its own, and Odoo’s words for the person', async (t) => {
  const { app, odoo, headers } = await signedIn(t)
  const patch = async () =>
    app.inject({ method: 'PATCH', url: `${PATHS.contacts}/1`, headers, body: { phone: '1' } })
  const refusals: [name: string, status: number, code: string][] = [
    ['odoo.exceptions.AccessError', 403, 'odoo_forbidden'],
    ['odoo.exceptions.ValidationError', 422, 'odoo_refused'],
    ['odoo.exceptions.UserError', 422, 'odoo_refused'],
  ]
  for (const [name, status, code] of refusals) {
    odoo.refuseWrites = { name, message: 'Only for buyers.' }
    const response = await patch()
    t.equal(response.statusCode, status, name)
    t.match(response.json<ErrorResponse>(), { error: code, odoo_message: 'Only for buyers.' })
  }
  odoo.refuseWrites = { name: 'odoo.exceptions.MissingError', message: 'Deleted by Ann.' }
  const missing = await patch()
  t.equal(missing.statusCode, 404)
  t.notMatch(missing.body, /Ann/)

  odoo.refuseWrites = { name: 'psycopg2.errors.SyntaxError', message: 'SELECT secret' }
  const broken = await patch()
  t.equal(broken.statusCode, 500)
  t.notMatch(broken.body, /secret/)
})
