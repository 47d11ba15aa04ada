import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import { odooSession } from './support/odoo-session.ts'
import { enableTotp } from './support/odoo-web.ts'
import { makePerson } from './support/people.ts'
import {
  contacts,
  leaveExpiryToTheGate,
  openSignInPage,
  REFRESH_COOKIE,
  refreshCookie,
  reload,
  signInAtPwa,
  signInPage,
  signInToContacts,
} from './support/pwa.ts'
import { cookieOf, postAuth, untilExpired } from './support/tokens.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const { demo } = stack.accounts

test.beforeEach(({ page }) => openSignInPage(page))

test('A1–A7: a user signs in with the Odoo password and sees what Odoo shows them', async ({
  page,
}) => {
  const network = watch(page, stack.issuer)
  await signInToContacts(page, demo)
  await expect(page.getByText('Marc Demo').first()).toBeVisible()
  await expect(page.getByText('Azure Interior').first()).toBeVisible()
  expect(network.seen(PATHS.login)).toEqual([200])
  expect(network.seen(PATHS.protectedData)).toEqual([200])

  await test.step('A4: the access token is in memory alone, the refresh token out of reach', async () => {
    const token = network.lastBearer()
    const [cookie] = await page.context().cookies(stack.issuer)
    expect(cookie).toMatchObject({
      name: REFRESH_COOKIE,
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
    })
    const stored = await page.evaluate(async () => {
      const caches = await Promise.all(
        (await globalThis.caches.keys()).map(async (name) =>
          (await (await globalThis.caches.open(name)).keys()).map(({ url }) => url),
        ),
      )
      return JSON.stringify([
        localStorage,
        sessionStorage,
        document.cookie,
        await indexedDB.databases(),
        caches,
      ])
    })
    expect(stored).not.toContain(token)
    expect(stored).not.toContain(REFRESH_COOKIE)
    expect(stored).not.toContain(PATHS.protectedData)
  })
})

test('A2: a wrong password is told in words, and nobody is signed in', async ({ page }) => {
  await signInAtPwa(page, { ...demo, password: 'not the password' })
  await expect(page.getByRole('alert')).toContainText('Wrong login or password')
  await expect(page.getByLabel('Login')).toHaveValue(demo.login)
  expect(await refreshCookie(page)).toBe('')
})

test('A2: a second factor is asked for, each code is good once, and the way back is there', async ({
  page,
}) => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  const person = await makePerson(await odooSession(stack.accounts.admin))
  const code = await enableTotp(await odooSession(person), person)
  const field = page.getByLabel('Code')
  const submit = () => page.getByRole('button', { name: 'Sign in', exact: true }).click()

  await signInAtPwa(page, person)
  await expect(field).toBeFocused()
  await expect(page.getByLabel('Login')).toBeHidden()
  expect(await refreshCookie(page)).toBe('')
  // It was used to turn the second factor on.
  await field.fill(code(0))
  await submit()
  await expect(page.getByRole('alert')).toContainText('was used before')
  await page.getByRole('button', { name: 'Sign in with another account' }).click()
  await expect(page.getByLabel('Login')).toBeFocused()
  await expect(page.getByLabel('Login')).toHaveValue('')

  await signInAtPwa(page, person)
  await field.fill(code(1))
  await submit()
  await expect(contacts(page).first()).toBeVisible()
})

test('A8–A11: the token expires: one 401, one refresh, the request once more', async ({ page }) => {
  const network = watch(page, stack.issuer)
  await signInToContacts(page, demo)
  await leaveExpiryToTheGate(page)
  const [before, token] = [await refreshCookie(page), network.lastBearer()]
  await untilExpired(api, token)

  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([200, 401, 200])
  expect(network.seen(PATHS.refresh)).toEqual([200])
  const [, refused, retried] = network.requests(PATHS.protectedData)
  expect(refused?.headers()['authorization']).toBe(`Bearer ${token}`)
  expect(retried?.headers()['authorization']).not.toBe(`Bearer ${token}`)
  expect(retried?.url()).toBe(refused?.url())
  expect(await refreshCookie(page), 'rotated').not.toBe(before)
  await expect(contacts(page).first()).toBeVisible()

  await test.step('and the user can see that it happened', async () => {
    const steps = page.getByRole('region', { name: 'Steps, oldest first' }).getByRole('listitem')
    await expect(steps.filter({ hasText: 'Refused: the access token expired' })).toHaveCount(1)
    await expect(steps.filter({ hasText: 'A new access token.' })).toHaveCount(1)
    await expect(steps.filter({ hasText: 'The same request again' })).toHaveCount(1)
  })
})

test('A9: a page that looks at the clock refreshes before it asks', async ({ page }) => {
  const network = watch(page, stack.issuer)
  await signInToContacts(page, demo)
  await expect(page.getByText('expired: the next request renews it')).toBeVisible({
    timeout: 15_000,
  })
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([200, 200])
  expect(network.seen(PATHS.refresh)).toEqual([200])
})

test('A11: whoever opens the page again, or a second tab, is still signed in', async ({ page }) => {
  await signInToContacts(page, demo)
  await page.reload()
  await expect(contacts(page).first()).toBeVisible()
  const second = await page.context().newPage()
  await second.goto('/')
  await expect(contacts(second).first()).toBeVisible()
  await second.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(second)).toBeVisible()
  await expect(signInPage(page), 'in every tab').toBeVisible()
})

test('A12: a refresh cookie two generations old: the session is over for whoever holds it', async ({
  page,
  context,
}) => {
  await signInToContacts(page, demo)
  await leaveExpiryToTheGate(page)
  const network = watch(page, stack.issuer)
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData).at(-1)).toBe(200)
  const stolen = await refreshCookie(page)
  const once = await postAuth(PATHS.refresh, {}, `${REFRESH_COOKIE}=${stolen}`)
  const twice = await postAuth(PATHS.refresh, {}, cookieOf(once))
  expect([once.status, twice.status]).toEqual([200, 200])

  await untilExpired(api, network.lastBearer())
  await reload(page)
  await expect(signInPage(page)).toBeVisible()
  await expect(page.getByText('Your session is over.')).toBeVisible()
  expect(await refreshCookie(page), 'cleared').toBe('')
  const newest = await postAuth(PATHS.refresh, {}, cookieOf(twice))
  expect(newest.status, 'the thief is out, too').toBe(401)
  expect(context.pages()).toHaveLength(1)
})

test('A12: whoever has to sign in comes back to where they were', async ({ page }) => {
  await page.goto('/activity')
  await expect(signInPage(page)).toBeVisible()
  await expect(page).toHaveURL(/sign-in/)
  await signInAtPwa(page, demo)
  await expect(page).toHaveURL(`${stack.issuer}/activity`)
})

test('A12: signing out ends the session here and at the bridge', async ({ page }) => {
  await signInToContacts(page, demo)
  const cookie = await refreshCookie(page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(page)).toBeVisible()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await expect.poll(() => refreshCookie(page)).toBe('')
  const again = await postAuth(PATHS.refresh, {}, `${REFRESH_COOKIE}=${cookie}`)
  expect(again.status).toBe(401)
  await page.reload()
  await expect(signInPage(page)).toBeVisible()
})
