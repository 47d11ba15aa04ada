/** What a user does and sees in the PWA. */
import { expect, type Locator, type Page } from 'playwright/test'
import { readStack, type Account } from '../stack/description.ts'

/** Signs in on the page of the PWA, which must be shown. */
export async function signInAtPwa(page: Page, { login, password }: Account): Promise<void> {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Signs in on the page of the PWA, which must be shown, and waits for the contacts. */
export async function signInToContacts(page: Page, account: Account): Promise<void> {
  await signInAtPwa(page, account)
  await expect(contacts(page).first()).toBeVisible()
}

/** Opens the PWA where nobody is signed in, and waits for its sign-in page. */
export async function openSignInPage(page: Page): Promise<void> {
  await page.goto('/')
  await expect(signInPage(page)).toBeVisible()
}

/** Opens the PWA where nobody is signed in, signs in, and waits for the contacts. */
export async function openSignedIn(page: Page, account: Account): Promise<void> {
  await openSignInPage(page)
  await signInToContacts(page, account)
}

/** What the gate lets through is what Odoo shows this user. */
export const contacts = (page: Page): Locator =>
  page.getByRole('region', { name: 'Contacts', exact: true }).getByRole('listitem')

export const signInPage = (page: Page): Locator => page.getByRole('heading', { name: 'Sign in' })

/** Asks for the contacts again. */
export const reload = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Reload' }).click()

/** The name of what lets the gate find out. */
export const GATE_FINDS_OUT = /Let the gate find out/

/** From now on the page does not look at the clock: it meets a 401 before it refreshes. */
export const leaveExpiryToTheGate = (page: Page): Promise<void> =>
  page.getByRole('checkbox', { name: GATE_FINDS_OUT }).check()

export const REFRESH_COOKIE = 'drawbridge_refresh'

/** The refresh token that the browser holds, or an empty string. */
export async function refreshCookie(page: Page): Promise<string> {
  const cookies = await page.context().cookies(readStack().issuer)
  return cookies.find(({ name }) => name === REFRESH_COOKIE)?.value ?? ''
}
