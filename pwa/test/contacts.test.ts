import { test } from 'tap'
import { PATHS } from '@drawbridge/bridge/contract'
import { changeContact, readContacts } from '../src/api/contacts.ts'
import { openBrowser } from './support/browser.ts'

const never = new AbortController().signal

test('what is searched for and where a page begins, and nothing that is not', async (t) => {
  const browser = await openBrowser(t)
  const asked: string[] = []
  const tab = browser.tab({
    fetch: (input, init) => {
      if (!(input instanceof Request)) return browser.fetch(input, init)
      asked.push(new URL(input.url).search)
      return Promise.resolve(Response.json({ contacts: [], after: null }))
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  await readContacts(tab, { search: '  ', after: null, company: null }, never)
  await readContacts(tab, { search: ' Ann & Co=1 ', after: 'next', company: 3 }, never)
  t.same(asked, ['', '?search=Ann+%26+Co%3D1&after=next&company=3'])
})

test('a change is sent as JSON, and Odoo’s words come back with the refusal', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab({
    fetch: async (input, init) => {
      if (!(input instanceof Request)) return browser.fetch(input, init)
      t.equal(input.method, 'PATCH')
      t.equal(new URL(input.url).pathname, `${PATHS.contacts}/7`)
      t.equal(input.headers.get('content-type'), 'application/json')
      t.same(await input.json(), { phone: null })
      const body = { error: 'odoo_forbidden', odoo_message: 'Only for buyers.' }
      return Response.json(body, { status: 403 })
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  await t.rejects(changeContact(tab, { id: 7, company: null }, { phone: null }, never), {
    code: 'odoo_forbidden',
    odooMessage: 'Only for buyers.',
  })
})
