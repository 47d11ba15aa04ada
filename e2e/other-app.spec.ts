import type { Server } from 'node:http'
import { join } from 'node:path'
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import { odooSession } from './support/odoo-session.ts'
import { fillInOdooLogin } from './support/odoo-web.ts'
import { makePerson } from './support/people.ts'
import { serveApp } from './support/serve-app.ts'
import { bearer, signInAt, untilExpired, withClaims } from './support/tokens.ts'

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

/** Signs in at the page that the app leads to, and comes back. */
async function signInAtBridge(page: Page): Promise<void> {
  await page.getByLabel('Login').fill(stack.accounts.demo.login)
  await page.getByLabel('Password').fill(stack.accounts.demo.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(redirectUri ?? '')
}

test('B3: a code is good once, with its verifier, and who shows it twice ends what it gave', async ({
  page,
}) => {
  const network = watch(page, stack.issuer)
  const form: string[] = []
  await page.route(stack.issuer + PATHS.token, async (route) => {
    form.push(route.request().postData() ?? '')
    await route.continue()
  })
  await page.goto(origin)
  await page.getByRole('button', { name: 'Call the API' }).click()
  await signInAtBridge(page)
  await expect(page.getByRole('listitem').filter({ hasText: 'signed in' })).toBeVisible()
  const exchange = async (body: URLSearchParams) => {
    const answer = await fetch(stack.issuer + PATHS.token, { method: 'POST', body })
    return [answer.status, ((await answer.json()) as { error: string }).error]
  }
  const shown = new URLSearchParams(form[0])
  const guessed = new URLSearchParams(shown)
  guessed.set('code_verifier', 'x'.repeat(43))
  expect(await exchange(guessed)).toEqual([400, 'invalid_grant'])
  expect(await exchange(shown)).toEqual([400, 'invalid_grant'])

  // The gate learns of it within a second. Then there is no refresh, and a sign-in of its own
  // follows: the person is still signed in at the bridge.
  await expect(async () => {
    await page.getByRole('button', { name: 'Call the API' }).click()
    expect(network.seen(PATHS.token), 'B7').toEqual([200, 400, 200])
  }).toPass()
  await expect(page.getByRole('listitem').filter({ hasText: 'signed in' })).toBeVisible()
})

test('B4: a token that was altered, or is for somebody else, opens nothing', async ({ page }) => {
  const client = stack.clients.find(({ client_id }) => client_id === 'odoo-reader')
  if (client === undefined) throw new Error('The stack does not know the client odoo-reader.')
  const network = watch(page, stack.issuer)
  await page.goto(origin)
  await page.getByRole('button', { name: 'Call the API' }).click()
  await signInAtBridge(page)
  await page.getByRole('button', { name: 'Call the API' }).click()
  await expect(page.getByRole('status')).toHaveText(/may see/)
  const own = network.lastBearer()
  for (const token of [
    withClaims(own, { sub: '2' }),
    withClaims(own, { exp: 9_999_999_999 }),
    own.slice(0, -1),
    await signInAt(client, stack.accounts.demo),
  ]) {
    const answer = await fetch(api, { headers: bearer(token) })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
})
