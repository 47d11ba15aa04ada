import { expect, test } from 'playwright/test'
import { readStack } from './stack/description.ts'
import { odooSession } from './support/odoo-session.ts'
import {
  addPasskey,
  enableTotp,
  fillInOdooLogin,
  giveAuthenticator,
  odooUidOf,
  signInToOdoo,
  untilInOdoo,
  useOdooPasskey,
} from './support/odoo-web.ts'
import { makePerson } from './support/people.ts'

// Odoo's own sign-in page as the stack serves it: what "continue with Odoo" leads to.

const stack = readStack()
const login = `${stack.odooUrl}/web/login`

// Odoo puts the scripts of its web client together when the first browser asks for them.
test.slow()

test('Odoo’s own page takes a password, and leaves nothing at the PWA’s host', async ({ page }) => {
  const person = await makePerson(await odooSession(stack.accounts.admin))
  await signInToOdoo(page, { ...person, password: 'not the password' })
  await expect(page.getByRole('alert')).toContainText('Wrong login/password')
  await fillInOdooLogin(page, person)
  await untilInOdoo(page)
  expect(await odooUidOf(page)).toBe(person.uid)
  expect(await page.context().cookies(stack.issuer), 'cookies know no ports').toEqual([])
})

test('Odoo’s own page takes the code of an authenticator app, once', async ({ page, browser }) => {
  const person = await makePerson(await odooSession(stack.accounts.admin))
  const code = await enableTotp(await odooSession(person), person)
  await signInToOdoo(page, person, code(0))
  await expect(page.getByRole('alert'), 'it turned the second factor on').toBeVisible()
  await page.getByLabel('Authentication Code').fill(code(1))
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await untilInOdoo(page)
  expect(await odooUidOf(page)).toBe(person.uid)

  const elsewhere = await browser.newPage()
  await signInToOdoo(elsewhere, person, code(1))
  await expect(elsewhere.getByRole('alert')).toBeVisible()
  expect(await odooUidOf(elsewhere)).toBe(null)
  await elsewhere.close()
})

test('Odoo’s own page takes a passkey that was made there', async ({ page }) => {
  const person = await makePerson(await odooSession(stack.accounts.admin))
  await giveAuthenticator(page)
  await signInToOdoo(page, person)
  await untilInOdoo(page)
  await addPasskey(page, person, 'this browser')

  await page.context().clearCookies()
  await page.goto(login)
  expect(await odooUidOf(page)).toBe(null)
  await useOdooPasskey(page)
  await untilInOdoo(page)
  expect(await odooUidOf(page)).toBe(person.uid)
})

test('a portal user signs in there, too', async ({ page }) => {
  const admin = await odooSession(stack.accounts.admin)
  const person = await makePerson(admin, 'base.group_portal')
  await signInToOdoo(page, person)
  await expect.poll(() => odooUidOf(page)).toBe(person.uid)
})
