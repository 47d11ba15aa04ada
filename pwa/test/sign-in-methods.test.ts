import { test } from 'tap'
import type { Test } from 'tap'
import { readProviders } from '../src/api/sign-in-methods.ts'

const never = new AbortController().signal

/** Has the bridge answer. @returns what it was asked */
function answering(t: Test, answer: () => Response | Promise<Response>): Request[] {
  const asked: Request[] = []
  t.intercept(globalThis, 'fetch', {
    value: (input: string, init: RequestInit) => {
      asked.push(new Request(new URL(input, 'https://app.example'), init))
      return Promise.resolve().then(answer)
    },
  })
  return asked
}

test('providers, each with the way back to where the user was', async (t) => {
  const provider = { id: 'odoo', name: 'Odoo', url: '/auth/continue/odoo' }
  const asked = answering(t, () => Response.json({ providers: [provider] }))
  const [found, ...others] = await readProviders('/contacts?search=a&b#c', never)
  t.same(others, [])
  t.match(found, { id: 'odoo', name: 'Odoo' })
  const { pathname, searchParams } = new URL(found?.href ?? '', 'https://app.example')
  t.equal(pathname, '/auth/continue/odoo')
  t.equal(searchParams.get('return_to'), '/contacts?search=a&b#c')
  t.match(asked[0], { url: 'https://app.example/auth/methods', credentials: 'omit' })
})

test('a sign-in page that cannot learn of any goes without', async (t) => {
  for (const answer of [
    () => new Response('<h1>502</h1>', { status: 502 }),
    () => Response.json({ error: 'not_found' }, { status: 404 }),
    () => Promise.reject(new TypeError('fetch failed')),
  ]) {
    answering(t, answer)
    t.same(await readProviders('/', never), [])
  }
})
