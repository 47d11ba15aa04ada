/** What a thief tries with the pages of the PWA: links, the back button, a browser that says no. */
import { chromium, expect, test, type Page } from 'playwright/test'
import { CONTINUE_PATH } from '@drawbridge/bridge/contract'
import { chromiumProgram } from './stack/chromium.ts'
import { readStack } from './stack/description.ts'
import { contacts, signInAtPwa, signInPage } from './support/pwa.ts'

const { issuer, accounts } = readStack()

const signOut = (page: Page) => page.getByRole('button', { name: 'Sign out' })

const signIn = async (page: Page, path = '/') => {
  await page.goto(path)
  await signInAtPwa(page, accounts.demo)
  await expect(signOut(page)).toBeVisible()
}

/** The session is over, and the app is about to be told. */
const refuse = async (page: Page) => {
  await page.context().clearCookies()
  await page.clock.fastForward(3_600_000)
}

test('a browser that takes no address any more shows nothing to whoever is signed out', async ({
  page,
}) => {
  await page.clock.install()
  for (const end of [
    () => refuse(page).then(() => page.getByRole('button', { name: 'Reload' }).click()),
    () => signOut(page).click(),
  ]) {
    await signIn(page)
    await expect(contacts(page).first()).toBeVisible()
    // As browsers do after a hundred times in half a minute, or with an address that is too long.
    await page.evaluate(() => {
      history.replaceState = () => {
        throw new DOMException('', 'SecurityError')
      }
    })
    await end()
    await expect(signInPage(page)).toBeVisible()
    await expect(contacts(page)).toHaveCount(0)
  }
})

test('a link begins no sign-in elsewhere, once its victim has signed in here', async ({ page }) => {
  test.slow()
  for (const forged of [
    `${CONTINUE_PATH}/odoo`,
    `${CONTINUE_PATH}/odoo?persistent=true`,
    '/%61uth/continue/odoo',
    '/a/../auth//continue/odoo',
    '/%2fauth/continue/odoo',
    '/auth/continue/odoo%2f%E0',
  ]) {
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await signIn(page, `/sign-in?${new URLSearchParams({ return: forged }).toString()}`)
    await expect(page).toHaveURL(`${issuer}/`)
    expect(
      asked.filter((url) => /continue/.test(new URL(url).pathname)),
      forged,
    ).toEqual([])
    await signOut(page).click()
    await expect(signInPage(page)).toBeVisible()
  }
})

test('a password that was typed and not sent is gone when somebody comes back', async () => {
  const own = await chromium.launch({
    executablePath: chromiumProgram(),
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  try {
    const context = await own.newContext({ baseURL: issuer })
    const page = await context.newPage()
    await page.addInitScript(() => {
      addEventListener('pageshow', ({ persisted }) => {
        const { value } = document.querySelector<HTMLInputElement>('#password') ?? { value: null }
        if (persisted) localStorage.setItem('seen', JSON.stringify([value]))
      })
    })
    await page.goto('/')
    await page.getByLabel('Login').fill('demo')
    await page.getByLabel('Password', { exact: true }).fill('typed and left')
    await page.goto('/.well-known/jwks.json')
    page.goBack().catch(() => undefined)
    const other = await context.newPage()
    await other.goto('/.well-known/jwks.json')
    const seen = () => other.evaluate(() => localStorage.getItem('seen'))
    await expect.poll(seen).toBe('[""]')
  } finally {
    await own.close()
  }
})
