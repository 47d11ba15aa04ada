import type { Server } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import { odooSession } from './support/odoo-session.ts'
import { fillInOdooLogin } from './support/odoo-web.ts'
import { makePerson } from './support/people.ts'
import { serveApp } from './support/serve-app.ts'
import { untilExpired } from './support/tokens.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const redirectUri = stack.clients.find(({ client_id }) => client_id === 'other-app')
  ?.redirect_uris[0]
if (redirectUri === undefined) throw new Error('The stack does not know the client other-app.')
const { origin } = new URL(redirectUri)

let server: Server

test.beforeAll(async () => {
  server = await serveApp(join(import.meta.dirname, 'other-app'), origin, { API: api })
})
test.afterAll(() => {
  server.close()
  server.closeAllConnections()
})

test('B1–B7: another app signs in, calls the API, meets the expiry and goes on', async ({
  page,
}) => {
  const network = watch(page, stack.issuer)
  await page.goto(origin)

  await test.step('B1: without a token the API refuses and points to the authorization service', async () => {
    await page.getByRole('button', { name: 'Call the API' }).click()
    await expect(page.getByRole('heading', { name: 'Sign in with Odoo' })).toBeVisible()
    expect(network.seen(PATHS.protectedData)).toEqual([401])
    await expect(page.getByText('to continue to Other app')).toBeVisible()
  })

  await test.step('B2: a wrong password is told, nothing is sent back to the app', async () => {
    await page.getByLabel('Login').fill(stack.accounts.demo.login)
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('alert')).toHaveText('Wrong login or password.')
    await expect(page.getByLabel('Login')).toHaveValue(stack.accounts.demo.login)
  })

  await test.step('B2, B3: the right one gives a code, and the code gives tokens', async () => {
    await page.getByLabel('Password').fill(stack.accounts.demo.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(redirectUri)
    await expect(page.getByRole('listitem').filter({ hasText: 'signed in' })).toBeVisible()
    expect(network.seen(PATHS.token)).toEqual([200])
  })

  await test.step('B4, B5: the API is called with the token, which is checked each time', async () => {
    await page.getByRole('button', { name: 'Call the API' }).click()
    await expect(page.getByRole('status')).toHaveText(/Marc Demo may see \d+ contacts/)
    await page.getByRole('button', { name: 'Call the API' }).click()
    await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([401, 200, 200])
  })

  await test.step('B6, B7: expired, refreshed, and the request once more', async () => {
    await untilExpired(api, network.lastBearer())
    await page.getByRole('button', { name: 'Call the API' }).click()
    await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([401, 200, 200, 401, 200])
    expect(network.seen(PATHS.token)).toEqual([200, 200])
    await expect(page.getByRole('listitem').filter({ hasText: 'refreshed' })).toBeVisible()
  })
})

test('B2: the sign-in page is safe to look at', async ({ page }) => {
  const response = await page.goto(
    `${stack.issuer}${PATHS.authorize}?client_id=<script>alert(1)</script>`,
  )
  expect(response?.status()).toBe(400)
  await expect(page.getByRole('heading')).toHaveText('This link does not work')
})

test('B2: another app, by way of Odoo’s own sign-in page', async ({ page }) => {
  // Odoo puts the scripts of its pages together when the first browser asks for them.
  test.slow()
  const person = await makePerson(await odooSession(stack.accounts.admin))
  await page.goto(origin)
  await page.getByRole('button', { name: 'Call the API' }).click()
  await page.getByRole('link', { name: 'Continue with Odoo' }).click()
  await fillInOdooLogin(page, person)
  await page.waitForURL(redirectUri)
  await page.getByRole('button', { name: 'Call the API' }).click()
  await expect(page.getByRole('status')).toHaveText(/may see \d+ contacts/)
})
