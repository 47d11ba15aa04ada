import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { createApiKey } from './support/api-key.ts'
import { bearer, signIn, signInAt, untilExpired, withClaims } from './support/tokens.ts'

const stack = readStack()
const { demo, portal } = stack.accounts
// The name is for browsers: the resolver of this machine need not know it.
const odooUrl = stack.odooUrl.replace('odoo.localhost', '127.0.0.1')

const call = (origin: string, method: string, body: object, headers: Record<string, string>) =>
  fetch(`${origin}/json/2/${method}`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })

const SEARCH = { domain: [], fields: ['name'] }

for (const [where, origin] of Object.entries({
  'at Odoo itself': odooUrl,
  'through the gate': stack.issuer,
})) {
  test(`A7: Odoo's own API with the bridge's token, ${where}: as that user`, async () => {
    const search = async (token: string) => {
      const response = await call(origin, 'res.partner/search_read', SEARCH, bearer(token))
      expect(response.status).toBe(200)
      return (await response.json()) as { name: string }[]
    }
    const [internal, outside] = await Promise.all([signIn(demo), signIn(portal)])
    const mine = await search(internal.accessToken)
    const theirs = await search(outside.accessToken)
    expect(mine.length).toBeGreaterThan(theirs.length)
    expect(theirs.length).toBeGreaterThan(0)
  })

  test(`A8: a wrong token is refused, ${where}`, async () => {
    const { accessToken, cookie } = await signIn(demo)
    const wrong = [
      withClaims(accessToken, { sub: '2' }),
      withClaims(accessToken, { aud: `odoo:${stack.inside.odooDatabaseUuid}` }),
      cookie.split('=')[1] ?? '',
    ]
    for (const token of wrong) {
      const response = await call(origin, 'res.partner/search_read', SEARCH, bearer(token))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/i)
      expect(await response.text()).not.toContain('Traceback')
    }
  })
}

test('a token writes in the name of its user', async () => {
  const { accessToken } = await signIn(demo)
  const headers = bearer(accessToken)
  const created = await call(
    odooUrl,
    'res.partner/create',
    { vals_list: [{ name: 'Made by a token' }] },
    headers,
  )
  expect(created.status).toBe(200)
  const ids = (await created.json()) as number[]
  const read = { ids, fields: ['create_uid'] }
  const rows = await call(odooUrl, 'res.partner/read', read, headers)
  expect(await rows.json()).toMatchObject([{ create_uid: [expect.any(Number), 'Marc Demo'] }])
  expect((await call(odooUrl, 'res.partner/unlink', { ids }, headers)).status).toBe(200)
})

test('a token that may only read writes nothing, and one audience opens one door', async () => {
  const reader = stack.clients.find(({ client_id }) => client_id === 'odoo-reader')
  if (!reader) throw new Error('The stack does not know the client odoo-reader.')
  const headers = bearer(await signInAt(reader, demo))
  expect((await call(odooUrl, 'res.partner/search_read', SEARCH, headers)).status).toBe(200)
  const vals_list = [{ name: 'Never made' }]
  const refused = await call(odooUrl, 'res.partner/create', { vals_list }, headers)
  expect(refused.status).toBe(403)
  expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
  expect((await fetch(stack.issuer + PATHS.protectedData, { headers })).status).toBe(401)

  const other = stack.clients.find(({ client_id }) => client_id === 'other-app')
  if (!other) throw new Error('The stack does not know the client other-app.')
  const api = bearer(await signInAt(other, demo))
  expect((await fetch(stack.issuer + PATHS.protectedData, { headers: api })).status).toBe(200)
  expect((await call(odooUrl, 'res.partner/search_read', SEARCH, api)).status).toBe(401)
})

test('API keys go on working beside the tokens', async () => {
  const key = await createApiKey(demo)
  const response = await call(odooUrl, 'res.partner/search_read', SEARCH, bearer(key))
  expect(response.status).toBe(200)
  expect(((await response.json()) as unknown[]).length).toBeGreaterThan(1)
  const wrong = await call(odooUrl, 'res.partner/search_read', SEARCH, bearer('0'.repeat(40)))
  expect(wrong.status).toBe(401)
})

test('A8.1: Odoo refuses an expired token, too', async () => {
  const { accessToken } = await signIn(demo)
  await untilExpired(stack.issuer + PATHS.protectedData, accessToken)
  // Odoo allows for clocks that differ by some seconds.
  await expect
    .poll(
      async () =>
        (await call(odooUrl, 'res.partner/search_read', SEARCH, bearer(accessToken))).status,
      { timeout: 20_000 },
    )
    .toBe(401)
})
