import { expect, test, type Browser, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { ASKING_APP } from './support/asking-app.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession } from './support/odoo-session.ts'
import { makePerson, type Person } from './support/people.ts'
import { openSignedIn, refreshCookie, reload, signInPage } from './support/pwa.ts'

// "My devices" and "connected apps" in the PWA: what a person sees of them, and how they end one.

const stack = readStack()
const redirectUri =
  stack.clients.find(({ client_id }) => client_id === ASKING_APP)?.redirect_uris[0] ?? ''

let person: Person

test.beforeEach(async () => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  person = await makePerson(await odooSession(stack.accounts.admin))
})

/** Somebody who uses another device, at the contacts. */
async function elsewhere(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext({ baseURL: stack.issuer })).newPage()
  await openSignedIn(page, person)
  return page
}

const screen = (page: Page) => page.getByRole('region', { name: 'Devices and apps' })
const open = (page: Page) => page.getByRole('link', { name: 'Devices' }).click()
const others = (page: Page) => screen(page).getByRole('button', { name: /^Sign out .* on / })

test('a device that is signed out from another one is out at once', async ({ page, browser }) => {
  const lost = await elsewhere(browser)
  await openSignedIn(page, person)
  await open(page)
  await expect(page).toHaveURL('/account')
  await expect(screen(page).getByText('This device')).toHaveCount(1)
  await expect(others(page)).toHaveCount(1)
  await others(page).click()
  await expect(screen(page).getByRole('status')).toHaveText(/^\s*\w+ on Linux is signed out\.\s*$/)
  await expect(others(page)).toHaveCount(0)

  await expect(async () => {
    await reload(lost)
    await expect(signInPage(lost)).toBeVisible({ timeout: 500 })
  }).toPass()
  await page.reload()
  await expect(screen(page).getByText('This device')).toBeVisible()
})

test('all others are signed out by one button, and this one stays', async ({ page, browser }) => {
  const [one, other] = [await elsewhere(browser), await elsewhere(browser)]
  await openSignedIn(page, person)
  await open(page)
  await screen(page).getByRole('button', { name: 'Sign out all 2 others' }).click()
  await expect(others(page)).toHaveCount(0)
  for (const lost of [one, other]) {
    expect(await refreshCookie(lost)).not.toBe('')
    await lost.reload()
    await expect(signInPage(lost)).toBeVisible()
  }
  await page.reload()
  await expect(screen(page).getByText('This device')).toBeVisible()
})

test('an app that was let in is there, and asks anew when it was disconnected', async ({
  page,
}) => {
  await openSignedIn(page, person)
  await open(page)
  await expect(screen(page).getByText('None. Apps that you sign in to')).toBeVisible()
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: ASKING_APP,
    redirect_uri: redirectUri,
    scope: 'openid odoo.write',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  const begin = `${PATHS.authorize}?${query.toString()}`
  await page.route(`${redirectUri}?**`, (route) => route.fulfill({ body: 'The app.' }))
  await page.goto(begin)
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await expect(page.getByText('The app.')).toBeVisible()
  const silent = await page.request.get(begin, { maxRedirects: 0 })
  expect(silent.status()).toBe(303)

  await page.goto('/account')
  await expect(screen(page).getByText('Write in Odoo, as you may')).toBeVisible()
  await screen(page).getByRole('button', { name: 'Disconnect Asking app' }).click()
  await expect(screen(page).getByText('None. Apps that you sign in to')).toBeVisible()
  await page.goto(begin)
  await expect(page.getByRole('heading', { name: 'Asking app asks for access' })).toBeVisible()
})

test('what cannot be reached is said, and can be tried again', async ({ page }) => {
  await openSignedIn(page, person)
  await page.route(`**${PATHS.apps}`, (route) => route.abort())
  await open(page)
  await expect(screen(page).getByRole('alert')).toContainText('The server does not answer.')
  await page.unroute(`**${PATHS.apps}`)
  await screen(page).getByRole('button', { name: 'Try again' }).click()
  await expect(screen(page).getByText('This device')).toBeVisible()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`everybody can use it: ${colorScheme}`, async ({ page, browser }) => {
    await page.emulateMedia({ colorScheme })
    await elsewhere(browser)
    await openSignedIn(page, person)
    for (const viewport of [
      { width: 360, height: 740 },
      { width: 1280, height: 800 },
    ]) {
      await page.setViewportSize(viewport)
      await open(page)
      await expect(others(page)).toHaveCount(1)
      expect(await obstaclesIn(page)).toEqual([])
    }
  })
}
