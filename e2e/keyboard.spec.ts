import { expect, test, type Locator, type Page } from 'playwright/test'
import { readStack } from './stack/description.ts'
import { contacts, openSignInPage, signInPage } from './support/pwa.ts'

// The PWA by keyboard alone: everything can be reached, in the order of the page, and it shows
// where one is.

const { demo } = readStack().accounts

/** That the keyboard's place is here, and to be seen. */
async function isAt(place: Locator): Promise<void> {
  await expect(place).toBeFocused()
  await expect(place).toBeInViewport()
  await expect(place).toHaveCSS('outline-style', 'solid')
}

const BACK = 'Shift+Tab'

async function goTo(page: Page, place: Locator, key = 'Tab'): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await place.evaluate((element) => element === document.activeElement)) {
      await isAt(place)
      return
    }
    await page.keyboard.press(key)
  }
  throw new Error('The keyboard does not get there.')
}

test.beforeEach(({ page }) => openSignInPage(page))

async function signIn(page: Page): Promise<void> {
  await isAt(page.getByLabel('Login'))
  await page.keyboard.type(demo.login)
  await page.keyboard.press('Tab')
  await isAt(page.getByLabel('Password', { exact: true }))
  await page.keyboard.type(demo.password)
  await page.keyboard.press('Enter')
  await expect(contacts(page).first()).toBeVisible()
}

test('signing in: what is wrong is announced, and the place is where it can be mended', async ({
  page,
}) => {
  const password = page.getByLabel('Password', { exact: true })
  await isAt(page.getByLabel('Login'))
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await isAt(page.getByRole('button', { name: 'Show characters' }))
  await page.keyboard.press('Space')
  await expect(password).toHaveAttribute('type', 'text')
  await page.keyboard.press('Tab')
  await goTo(page, page.getByRole('button', { name: 'Sign in', exact: true }))
  await goTo(page, page.getByRole('link', { name: 'Continue with Odoo' }))

  await page.getByLabel('Login').focus()
  await page.keyboard.type(demo.login)
  await page.keyboard.press('Tab')
  await page.keyboard.type('not the password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Wrong login or password')
  await isAt(password)
  await expect(password).toHaveAttribute('aria-invalid', 'true')
  await expect(password).toHaveAccessibleDescription(/Wrong login or password/)
  // It is selected: what is typed now comes in its place.
  await page.keyboard.type(demo.password)
  await page.keyboard.press('Enter')
  await expect(contacts(page).first()).toBeVisible()
  await expect(page.getByRole('region', { name: 'Contacts', exact: true })).toBeFocused()
})

test('contacts: skipped to, searched, opened, edited and closed, and back at the same one', async ({
  page,
}) => {
  await signIn(page)
  await page.reload()
  await expect(contacts(page).first()).toBeVisible()
  await page.keyboard.press('Tab')
  const skip = page.getByRole('link', { name: 'Skip to the content' })
  await isAt(skip)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Contacts', exact: true })).toBeFocused()

  const search = page.getByRole('searchbox', { name: 'Search contacts' })
  await goTo(page, search)
  await page.keyboard.type('Azure')
  await expect(
    page.getByRole('region', { name: 'Contacts', exact: true }).getByRole('status'),
  ).toContainText('found')
  const first = contacts(page).first().getByRole('link').first()
  await goTo(page, first)
  await page.keyboard.press('Enter')
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByRole('link', { name: 'Write' })).toBeVisible()
  await goTo(page, sheet.getByRole('button', { name: 'Edit' }))
  await page.keyboard.press('Enter')
  await isAt(sheet.getByLabel('Phone'))
  await goTo(page, sheet.getByRole('button', { name: 'Cancel' }))
  await page.keyboard.press('Enter')
  await expect(sheet.getByRole('button', { name: 'Edit' })).toBeVisible()
  await isAt(sheet.getByRole('button', { name: 'Edit' }))
  await page.keyboard.press('Escape')
  await expect(sheet).toHaveCount(0)
  await isAt(first)
})

test('the pages: to each, along the tabs, and out', async ({ page }) => {
  await signIn(page)
  const pages = page.getByRole('navigation', { name: 'Pages' })
  await goTo(page, pages.getByRole('link', { name: 'Devices' }), BACK)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Devices and apps' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Devices and apps' })).toBeFocused()
  await goTo(page, pages.getByRole('link', { name: 'Contacts' }), BACK)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Contacts', exact: true })).toBeFocused()
  // A list of thousands lies before the steps.
  await page.getByRole('link', { name: 'Skip to the content' }).focus()
  await page.keyboard.press('Tab')
  await isAt(page.getByRole('link', { name: 'Skip the list' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'What just happened' })).toBeFocused()
  await goTo(page, page.getByRole('checkbox', { name: /Let the gate find out/ }))
  await page.keyboard.press('Space')
  await expect(page.getByRole('checkbox', { name: /Let the gate find out/ })).toBeChecked()
  await page.getByRole('link', { name: 'Skip to the content' }).focus()
  await goTo(page, page.getByRole('button', { name: 'Sign out' }))
  await page.keyboard.press('Enter')
  await expect(signInPage(page)).toBeVisible()
  await isAt(page.getByLabel('Login'))
})

test.describe('at a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } })

  test('the steps are one of the pages, and what does not show has no place', async ({ page }) => {
    await signIn(page)
    await goTo(
      page,
      page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Steps' }),
      BACK,
    )
    await page.keyboard.press('Enter')
    await expect(page.getByRole('region', { name: 'What just happened' })).toBeFocused()
    await goTo(page, page.getByRole('region', { name: 'Steps, oldest first' }))
    await expect(page.getByRole('searchbox', { name: 'Search contacts' })).toBeHidden()
  })
})
