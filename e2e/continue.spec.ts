import { expect, test, type Page } from 'playwright/test'
import { CONTINUE_PATH, PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
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
import { contacts, leaveExpiryToTheGate, refreshCookie, reload, signInPage } from './support/pwa.ts'
import { payloadOf, untilRefused } from './support/tokens.ts'

// "Continue with Odoo": who signs in on Odoo's own page is signed in here.

const stack = readStack()

// Odoo puts the scripts of its web client together when the first browser asks for them.
test.slow()

const start = async (page: Page, path = '/') => {
  await page.goto(stack.issuer + path)
  await expect(signInPage(page)).toBeVisible()
}

const pressContinue = (page: Page) => page.getByRole('link', { name: 'Continue with Odoo' }).click()

/** What the gate is shown from now on. */
const tokenOf = (network: ReturnType<typeof watch>) => payloadOf(network.lastBearer())

const admin = () => odooSession(stack.accounts.admin)

test('a password at Odoo’s own page: in, and back at the page that was asked for', async ({
  page,
}) => {
  const person = await makePerson(await admin())
  const network = watch(page, stack.issuer)
  await start(page, '/activity')
  await pressContinue(page)
  await fillInOdooLogin(page, person)
  await page.waitForURL(`${stack.issuer}/activity`)
  await page.goto(stack.issuer)
  await expect(contacts(page).first()).toBeVisible()
  expect(tokenOf(network)).toMatchObject({ sub: String(person.uid), amr: ['pwd'] })
  const cookies = await page.context().cookies(stack.issuer)
  expect(cookies.map(({ name }) => name)).toEqual(['drawbridge_refresh'])
})

test('whoever is signed in to Odoo presses once', async ({ page }) => {
  const person = await makePerson(await admin())
  await signInToOdoo(page, person)
  await untilInOdoo(page)
  await start(page)
  await pressContinue(page)
  await expect(contacts(page).first()).toBeVisible()
})

test('the second factor that Odoo asks for shows in the token', async ({ page }) => {
  const person = await makePerson(await admin())
  const code = await enableTotp(await odooSession(person), person)
  const network = watch(page, stack.issuer)
  await start(page)
  await pressContinue(page)
  await fillInOdooLogin(page, person, code(1))
  await expect(contacts(page).first()).toBeVisible()
  expect(tokenOf(network)['amr']).toEqual(['pwd', 'otp', 'mfa'])
})

test('a passkey, which no form of ours could take', async ({ page }) => {
  const person = await makePerson(await admin())
  await giveAuthenticator(page)
  await signInToOdoo(page, person)
  await untilInOdoo(page)
  await addPasskey(page, person, 'this browser')
  await page.context().clearCookies()

  const network = watch(page, stack.issuer)
  await start(page)
  await pressContinue(page)
  await useOdooPasskey(page)
  await expect(contacts(page).first()).toBeVisible()
  const { amr, auth_time } = tokenOf(network) as { amr: string[]; auth_time: number }
  expect(amr).toEqual(['pop', 'user', 'mfa'])
  expect(Math.abs(Date.now() / 1000 - auth_time)).toBeLessThan(60)
})

test('a portal user, too', async ({ page }) => {
  const person = await makePerson(await admin(), 'base.group_portal')
  const network = watch(page, stack.issuer)
  await start(page)
  await pressContinue(page)
  await fillInOdooLogin(page, person)
  await expect(contacts(page).first()).toBeVisible()
  expect(tokenOf(network)).toMatchObject({ sub: String(person.uid), roles: ['portal'] })
})

test('signing out here signs this browser out of Odoo', async ({ page }) => {
  const person = await makePerson(await admin())
  await start(page)
  await pressContinue(page)
  await fillInOdooLogin(page, person)
  await expect(contacts(page).first()).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(page)).toBeVisible()
  // The page does not wait for the bridge to be told.
  await expect.poll(() => refreshCookie(page)).toBe('')
  await page.goto(`${stack.odooUrl}/web/login`)
  expect(await odooUidOf(page)).toBe(null)
})

test('signing out of Odoo signs out here, at once', async ({ page }) => {
  const person = await makePerson(await admin())
  const network = watch(page, stack.issuer)
  await start(page)
  await pressContinue(page)
  await fillInOdooLogin(page, person)
  await expect(contacts(page).first()).toBeVisible()
  await leaveExpiryToTheGate(page)

  const odoo = await page.context().newPage()
  await odoo.goto(`${stack.odooUrl}/web/session/logout`)
  await odoo.close()
  expect(await untilRefused(network.lastBearer())).toBeLessThan(2000)
  await reload(page)
  await expect(signInPage(page)).toBeVisible()
  expect(network.seen(PATHS.refresh).at(-1)).toBe(401)
  expect(await refreshCookie(page)).toBe('')
})

test('who follows somebody else’s way back is told so, and is nobody', async ({
  page,
  browser,
}) => {
  const attacker = await makePerson(await admin())
  await start(page)
  await pressContinue(page)
  await expect(page).toHaveURL(/\/web\/login/)
  // The attacker goes all the way but for the last step, which is kept for somebody else.
  await page.context().clearCookies({ name: 'drawbridge_continue' })
  await fillInOdooLogin(page, attacker)
  await expect(page.getByRole('alert')).toContainText('not begun in this browser')
  const wayBack = page.url()
  expect(wayBack).toContain('code=')

  const victim = await browser.newPage()
  for (const attempt of ['without one of their own', 'with one of their own']) {
    if (attempt.startsWith('with one')) {
      await victim.goto(`${stack.issuer}${CONTINUE_PATH}/odoo`)
      await expect(victim).toHaveURL(/\/web\/login/)
    }
    await victim.goto(wayBack)
    await expect(victim.getByRole('alert'), attempt).toContainText('not begun in this browser')
    expect(await refreshCookie(victim)).toBe('')
  }
  await victim.getByRole('link', { name: 'Try again' }).click()
  await expect(signInPage(victim)).toBeVisible()
  await victim.close()
})
