import { chromium, expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { chromiumProgram } from './stack/chromium.ts'
import { readStack, type Account } from './stack/description.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession } from './support/odoo-session.ts'
import { fillInOdooLogin } from './support/odoo-web.ts'
import { makePerson, type Person } from './support/people.ts'
import {
  contacts,
  openSignedIn,
  openSignInPage,
  REFRESH_COOKIE,
  refreshCookie,
  signInToContacts,
} from './support/pwa.ts'

// "This is a shared computer", ticked at sign-in.

const stack = readStack()
const MINUTE = 60_000

let person: Person

test.beforeAll(async () => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  person = await makePerson(await odooSession(stack.accounts.admin))
})

const box = (page: Page) => page.getByRole('checkbox', { name: 'This is a shared computer' })
const warning = (page: Page) => page.getByRole('alertdialog', { name: 'Are you still there?' })
const absent = (page: Page) => page.getByText('You were signed out, because nobody was there')

async function enter(page: Page, account: Account): Promise<void> {
  await page.goto('/')
  await box(page).check()
  await signInToContacts(page, account)
}

const cookieOf = async (page: Page) =>
  (await page.context().cookies(stack.issuer)).find(({ name }) => name === REFRESH_COOKIE)

const databases = (page: Page) =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))

test('nothing is kept, the cookie goes with the browser, and the device says so', async ({
  page,
  browser,
}) => {
  await enter(page, person)
  expect((await cookieOf(page))?.expires).toBe(-1)
  await page.reload()
  await expect(contacts(page).first()).toBeVisible()
  expect((await cookieOf(page))?.expires).toBe(-1)
  expect(await databases(page)).not.toContain('drawbridge-offline')
  await page.getByRole('link', { name: 'Devices' }).click()
  await expect(page.getByText('Shared computer', { exact: true })).toBeVisible()
  await expect(page.getByText('You said that this is a shared computer')).toBeVisible()

  // What is left when the browser is closed: storage, and cookies with a date.
  const { cookies, origins } = await page.context().storageState()
  const left = { origins, cookies: cookies.filter(({ expires }) => expires !== -1) }
  const opened = await browser.newContext({ baseURL: stack.issuer, storageState: left })
  const later = await opened.newPage()
  await openSignInPage(later)
  await expect(box(later)).not.toBeChecked()
  await opened.close()
})

test('without the tick it is as it was', async ({ page }) => {
  await openSignedIn(page, person)
  expect((await cookieOf(page))?.expires).toBeGreaterThan(Date.now() / 1000 + 86_400)
})

test('nobody there for fourteen minutes: a question; for fifteen: signed out', async ({ page }) => {
  await page.clock.install()
  await enter(page, person)
  await page.clock.fastForward(14 * MINUTE - 5000)
  await expect(warning(page)).toHaveCount(0)
  await page.clock.fastForward(5000)
  await expect(warning(page)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Stay signed in' })).toBeFocused()
  await page.getByRole('button', { name: 'Stay signed in' }).click()
  await expect(warning(page)).toHaveCount(0)
  await page.clock.fastForward(14 * MINUTE)
  await expect(warning(page)).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(warning(page)).toHaveCount(0)
  await page.clock.fastForward(14 * MINUTE)
  await expect(warning(page)).toBeVisible()
  await page.clock.fastForward(MINUTE)
  await expect(absent(page)).toBeVisible()
  await expect(contacts(page)).toHaveCount(0)
  await expect.poll(() => refreshCookie(page)).toBe('')
})

test('whoever does something is there, in whichever tab', async ({ page, context }) => {
  await context.clock.install()
  await enter(page, person)
  const other = await context.newPage()
  await other.goto('/')
  await expect(contacts(other).first()).toBeVisible()
  for (let minutes = 0; minutes < 30; minutes += 10) {
    await context.clock.fastForward(10 * MINUTE)
    await other.mouse.move(minutes, minutes)
    await other.keyboard.press('Shift')
  }
  await page.bringToFront()
  await expect(contacts(page).first()).toBeVisible()
  await expect(warning(page)).toHaveCount(0)
})

test('the one who wakes the machine may be another: it is the clock that counts', async ({
  page,
}) => {
  await page.clock.install()
  await enter(page, person)
  // Asleep: no timer runs, the clock goes on.
  await page.evaluate((minutes) => {
    const now = Date.now
    Date.now = () => now() + minutes * 60_000
  }, 16)
  await page.keyboard.press('Shift')
  await expect(absent(page)).toBeVisible()
})

test('opened again too late, it shows nothing and signs out', async ({ page, context }) => {
  await enter(page, person)
  await page.evaluate(() => {
    const [sid = '', at = ''] = (localStorage.getItem('drawbridge-last-sign') ?? '').split(' ')
    localStorage.setItem('drawbridge-last-sign', `${sid} ${Number(at) - 16 * 60_000}`)
  })
  await page.close()
  const later = await context.newPage()
  const asked: string[] = []
  later.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await later.goto('/')
  await expect(absent(later)).toBeVisible()
  await expect.poll(() => refreshCookie(later)).toBe('')
  expect(asked).not.toContain(PATHS.protectedData)
})

test('it goes along to Odoo’s own page, and back', async ({ page }) => {
  // Odoo puts the scripts of its web client together when the first browser asks for them.
  test.slow()
  await page.goto('/')
  await box(page).check()
  await page.getByRole('link', { name: 'Continue with Odoo' }).click()
  await fillInOdooLogin(page, person)
  await expect(contacts(page).first()).toBeVisible()
  expect((await cookieOf(page))?.expires).toBe(-1)
  await page.getByRole('link', { name: 'Devices' }).click()
  await expect(page.getByText('You said that this is a shared computer')).toBeVisible()
})

test('going back to a page of before the sign-out shows nothing of it', async () => {
  // Playwright turns the browser's cache for going back off, and loses sight of a page that comes
  // out of it: that page itself writes down what there is to be seen.
  const own = await chromium.launch({
    executablePath: chromiumProgram(),
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  try {
    const context = await own.newContext({ baseURL: stack.issuer })
    const page = await context.newPage()
    await page.addInitScript(() => {
      addEventListener('pageshow', ({ persisted }) => {
        if (!persisted) return
        const app = document.querySelector('drawbridge-app')
        if (!app) return
        const note = () => {
          const before = localStorage.getItem('seen') ?? ''
          localStorage.setItem('seen', `${before}${app.textContent}\n`)
        }
        note()
        new MutationObserver(note).observe(app, { childList: true, subtree: true })
      })
    })
    await enter(page, person)
    const name = (await contacts(page).first().locator('strong').textContent()) ?? ''
    await page.goto('/.well-known/jwks.json')
    // Signed out elsewhere, and no message of it reached that page.
    await context.clearCookies()
    page.goBack().catch(() => undefined)

    const other = await context.newPage()
    await other.goto('/.well-known/jwks.json')
    const seen = () => other.evaluate(() => localStorage.getItem('seen') ?? '')
    await expect.poll(seen).toContain('This is a shared computer')
    expect(await seen()).not.toContain(name)
  } finally {
    await own.close()
  }
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`everybody can use it: ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme })
    await page.clock.install()
    await page.goto('/')
    await expect(box(page)).toBeVisible()
    await look(page, `shared-sign-in-${colorScheme}`)
    await enter(page, person)
    await page.getByRole('link', { name: 'Devices' }).click()
    await expect(page.getByText('You said that this is a shared computer')).toBeVisible()
    await look(page, `shared-account-${colorScheme}`)
    await page.clock.fastForward(14 * MINUTE)
    await expect(warning(page)).toBeVisible()
    await look(page, `shared-warning-${colorScheme}`)
    await page.clock.fastForward(MINUTE)
    await expect(absent(page)).toBeVisible()
    await look(page, `shared-absent-${colorScheme}`)
  })
}

/** Looks for obstacles, on a phone and on a desk. */
async function look(page: Page, name: string): Promise<void> {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    expect(await obstaclesIn(page)).toEqual([])
    const folder = process.env['LOOK']
    if (folder) await page.screenshot({ path: `${folder}/${name}-${width}.png` })
  }
}
