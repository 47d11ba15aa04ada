import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack, type RegisteredClient } from './stack/description.ts'
import { REPOSITORY } from './stack/paths.ts'
import { startAnotherOdoo, type AnotherOdoo } from './support/another-odoo.ts'
import { odooSession } from './support/odoo-session.ts'
import { odooUidOf, untilInOdoo } from './support/odoo-web.ts'
import { makePerson, type Person } from './support/people.ts'

// Odoo as a client of the bridge, as docs/recipes.md has it: people of the stack's Odoo sign in to
// another one.

const stack = readStack()
const client = stack.clients.find(({ client_id }) => client_id === 'another-odoo')
if (!client?.client_secret) throw new Error('The stack does not know the client another-odoo.')

const page = readFileSync(join(REPOSITORY, 'docs/recipes.md'), 'utf8')
const recipe = /^## Another Odoo\n(.*?)^## /ms.exec(page)?.[1] ?? ''
const settings = new Map(
  (/^```ini\n(.*?)^```$/ms.exec(recipe)?.[1] ?? '')
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(' = ')), line.slice(line.indexOf(' = ') + 3)]),
)
const PROVIDER = settings.get('Provider name') ?? ''
const OIDC = settings.get('Login button label') ?? ''
const STANDARD = 'Sign in by the standard module'
const AUTHORIZE = stack.issuer + PATHS.authorize

let another: AnotherOdoo

test.beforeAll(async () => {
  test.setTimeout(120_000)
  another = await startAnotherOdoo()
  // Free sign-up is Odoo's default.
  await another.admin.call('ir.config_parameter', 'set_param', [
    'auth_signup.invitation_scope',
    'b2b',
  ])
  // What the reader puts in its place.
  settings.set('Client ID', client.client_id).set('Client Secret', client.client_secret ?? '')
  const values = [...settings.values()].map((value) =>
    value.replace('https://id.example.com', stack.issuer),
  )
  await another.fillIn('auth.oauth.provider', [...settings.keys()], values)
  await another.fillIn(
    'auth.oauth.provider',
    [
      'Provider name',
      'Client ID',
      'Allowed',
      'Login button label',
      'Authorization URL',
      'UserInfo URL',
    ],
    ['Standard', client.client_id, 'True', STANDARD, AUTHORIZE, stack.issuer + PATHS.userinfo],
  )
})
test.afterAll(() => another.stop())

// Odoo puts the scripts of its web client together when the first browser asks for them.
test.slow()

const somebody = async (): Promise<Person> => makePerson(await odooSession(stack.accounts.admin))

/** Somebody at the other Odoo, who is `uid` at the stack's. */
async function linked(uid: number): Promise<Person> {
  const person = await makePerson(another.admin)
  const exported = (await another.admin.call('res.users', 'export_data', [
    [person.uid],
    ['id'],
  ])) as { datas: string[][] }
  const id = exported.datas[0]?.[0] ?? ''
  const columns = ['External ID', 'OAuth Provider', 'OAuth User ID']
  await another.fillIn('res.users', columns, [id, PROVIDER, String(uid)])
  return person
}

const usersOfAnother = () => another.admin.call('res.users', 'search_count', [[]])

/** Goes from the other Odoo's sign-in page to the bridge. @returns what it asks for */
async function press(page: Page, link: string): Promise<URLSearchParams> {
  await page.goto(`${another.url}/web/login`)
  const asked = page.waitForRequest((request) => request.url().startsWith(AUTHORIZE))
  await page.getByRole('link', { name: link }).click()
  return new URL((await asked).url()).searchParams
}

async function signIn(page: Page, { login, password }: Person): Promise<void> {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('the client is registered as the page has it', () => {
  const entry = JSON.parse(/^```json\n(.*?)^```$/ms.exec(recipe)?.[1] ?? '') as RegisteredClient
  const { first_party, grant_types, token_endpoint_auth_method, scope } = entry
  const { id_token_signed_response_alg } = entry
  const same = { first_party, grant_types, token_endpoint_auth_method, scope }
  expect(client).toMatchObject({ ...same, id_token_signed_response_alg })
  const path = ({ redirect_uris: [uri = ''] }: RegisteredClient) => new URL(uri).pathname
  expect(path(client)).toBe(path(entry))
})

test('somebody of one Odoo signs in to another, once for both', async ({ page }) => {
  const person = await somebody()
  const there = await linked(person.uid)
  const asked = await press(page, OIDC)
  expect(asked.get('response_type')).toBe('code')
  expect(asked.get('code_challenge_method')).toBe('S256')
  await signIn(page, person)
  await untilInOdoo(page)
  expect(new URL(page.url()).origin).toBe(another.url)
  expect(await odooUidOf(page), 'as whom that Odoo knows them').toBe(there.uid)

  await page.goto(`${another.url}/web/session/logout`)
  await press(page, OIDC)
  await untilInOdoo(page)
  expect(await odooUidOf(page), 'without a form').toBe(there.uid)
})

test('somebody whom the other Odoo does not know stays outside', async ({ page }) => {
  const person = await somebody()
  const before = await usersOfAnother()
  await press(page, OIDC)
  await signIn(page, person)
  await expect(page.getByRole('alert')).toContainText('You do not have access to this database')
  expect(await odooUidOf(page)).toBe(null)
  expect(await usersOfAnother(), 'and is not made a user').toBe(before)
})

test('the standard module asks for a token in the address, and gets none', async ({ page }) => {
  const answered = page.waitForRequest((request) =>
    request.url().startsWith(`${another.url}/auth_oauth/signin`),
  )
  const asked = await press(page, STANDARD)
  expect(asked.get('response_type')).toBe('token')
  const { searchParams, hash } = new URL((await answered).url())
  expect(searchParams.get('error')).toBe('unsupported_response_type')
  expect(searchParams.get('state')).toBe(asked.get('state'))
  expect(`${searchParams.toString()}${hash}`).not.toContain('token=')
  await expect(page.getByRole('alert')).toContainText('Access Denied')
  expect(await odooUidOf(page)).toBe(null)
})
