import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { startAnotherOdoo, type AnotherOdoo } from './support/another-odoo.ts'
import { odooSession } from './support/odoo-session.ts'
import { odooUidOf, untilInOdoo } from './support/odoo-web.ts'
import { makePerson, type Person } from './support/people.ts'

// Odoo as a client of the bridge: people of the stack's Odoo sign in to another one.

const stack = readStack()
const client = stack.clients.find(({ client_id }) => client_id === 'another-odoo')
if (!client?.client_secret) throw new Error('The stack does not know the client another-odoo.')
const { client_id, client_secret, scope } = client

const OIDC = 'Sign in with our Odoo'
const STANDARD = 'Sign in by the standard module'

const provider = {
  client_id,
  scope,
  auth_endpoint: stack.issuer + PATHS.authorize,
  enabled: true,
}

let another: AnotherOdoo
/** The record of the provider in the other Odoo. */
let oidc: number

test.beforeAll(async () => {
  test.setTimeout(120_000)
  another = await startAnotherOdoo()
  // Odoo's own default lets everybody in who signs in anywhere, as a portal user.
  await another.admin.call('ir.config_parameter', 'set_param', [
    'auth_signup.invitation_scope',
    'b2b',
  ])
  oidc = await another.addProvider({
    ...provider,
    name: 'Our Odoo',
    body: OIDC,
    flow: 'id_token_code',
    client_secret,
    token_endpoint: stack.issuer + PATHS.token,
    jwks_uri: stack.issuer + PATHS.jwks,
  })
  await another.addProvider({
    ...provider,
    name: 'Our Odoo, by the standard module',
    body: STANDARD,
    flow: 'access_token',
    validation_endpoint: stack.issuer + PATHS.userinfo,
  })
})
test.afterAll(() => another.stop())

// Odoo puts the scripts of its web client together when the first browser asks for them.
test.slow()

const somebody = async (): Promise<Person> => makePerson(await odooSession(stack.accounts.admin))

/** Somebody at the other Odoo, who is `uid` at the stack's. */
async function linked(uid: number): Promise<Person> {
  const person = await makePerson(another.admin)
  await another.admin.call('res.users', 'write', [
    [person.uid],
    { oauth_provider_id: oidc, oauth_uid: String(uid) },
  ])
  return person
}

const usersOfAnother = () => another.admin.call('res.users', 'search_count', [[]])

/** Goes from the other Odoo's sign-in page to the bridge. @returns what it asks for */
async function press(page: Page, link: string): Promise<URLSearchParams> {
  await page.goto(`${another.url}/web/login`)
  const asked = page.waitForRequest((request) => request.url().startsWith(provider.auth_endpoint))
  await page.getByRole('link', { name: link }).click()
  return new URL((await asked).url()).searchParams
}

async function fillIn(page: Page, { login, password }: Person): Promise<void> {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('somebody of one Odoo signs in to another, once for both', async ({ page }) => {
  const person = await somebody()
  const there = await linked(person.uid)
  const asked = await press(page, OIDC)
  expect(asked.get('response_type')).toBe('code')
  expect(asked.get('code_challenge_method')).toBe('S256')
  await fillIn(page, person)
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
  await fillIn(page, person)
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
