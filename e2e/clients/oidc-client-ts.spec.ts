import type { Server } from 'node:http'
import { join } from 'node:path'
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from '../stack/description.ts'
import { watch } from '../support/network.ts'
import { odooSession } from '../support/odoo-session.ts'
import { makePerson } from '../support/people.ts'
import { serveApp } from '../support/serve-app.ts'
import { untilRefused } from '../support/tokens.ts'
import { signIn } from './browser.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const client = stack.clients.find(({ client_id }) => client_id === 'oidc-client-ts')
const [elsewhere, nearby] = (client?.post_logout_redirect_uris ?? []).map(
  (uri) => new URL(uri).origin,
)
if (elsewhere === undefined || nearby === undefined) {
  throw new Error('The stack does not know the client oidc-client-ts.')
}

let server: Server

test.beforeAll(async () => {
  const constants = { ISSUER: stack.issuer, API: api }
  server = await serveApp(join(import.meta.dirname, 'oidc-client-ts'), elsewhere, constants)
})
test.afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const lastStep = (page: Page) => page.getByRole('listitem').last()

async function begin(page: Page, origin: string) {
  const person = await makePerson(await odooSession(stack.accounts.admin))
  await page.goto(origin)
  await press(page, 'Sign in')
  await signIn(page, person)
  await expect(lastStep(page)).toHaveText(`signed in as ${person.uid}, ${person.email}`)
  return person
}

test('oidc-client-ts signs in, calls, refreshes and signs out, from another site', async ({
  page,
}) => {
  const network = watch(page, stack.issuer)
  await begin(page, elsewhere)
  const [asked] = network.requests(PATHS.authorize)
  const parameters = new URL(asked?.url() ?? '').searchParams
  expect(parameters.get('code_challenge_method'), 'PKCE is its default').toBe('S256')
  expect(parameters.get('state')).toBeTruthy()
  expect(parameters.get('nonce')).toBeTruthy()
  expect(network.seen(PATHS.userinfo)).toEqual([200])

  await press(page, 'Call the API')
  await expect(lastStep(page)).toHaveText('the API answered 200')

  await press(page, 'Refresh')
  await expect(lastStep(page)).toHaveText('refreshed')
  await press(page, 'Refresh by itself')
  await expect(lastStep(page)).toHaveText('refreshed by itself', { timeout: 20_000 })
  await press(page, 'Call the API')
  await expect(lastStep(page)).toHaveText('the API answered 200')

  await press(page, 'Sign out')
  await page.waitForURL(/signed-out\.html/)
  await expect(lastStep(page)).toHaveText('signed out of the app')
  await untilRefused(network.lastBearer())
})

test('oidc-client-ts revokes what it has', async ({ page }) => {
  const network = watch(page, stack.issuer)
  await begin(page, elsewhere)
  await press(page, 'Call the API')
  await expect(lastStep(page)).toHaveText('the API answered 200')
  await press(page, 'Revoke')
  await expect(lastStep(page)).toHaveText('revoked')
  await untilRefused(network.lastBearer())
})

test('oidc-client-ts signs in silently where the bridge is of the same site', async ({ page }) => {
  const person = await begin(page, nearby)
  await press(page, 'Sign in silently')
  await expect(lastStep(page)).toHaveText(`signed in silently as ${person.uid}`)
  // OpenID Connect Session Management is not offered: there is no session_state.
  await press(page, 'Session status')
  await expect(lastStep(page)).toHaveText('session status: none')
  await press(page, 'Sign out')
  await expect(lastStep(page)).toHaveText('signed out of the app')
  await press(page, 'Sign in silently')
  await expect(lastStep(page)).toHaveText('failed: login_required')
})

test('a page of another site learns nothing silently', async ({ page }) => {
  await begin(page, elsewhere)
  await press(page, 'Sign in silently')
  await expect(lastStep(page)).toHaveText('failed: login_required')
})
