/** Flow A in WebKit: by the form of the PWA, to the session's end. */
import { randomUUID } from 'node:crypto'
import { By, Key, type WebDriver } from 'selenium-webdriver'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack, type Account } from '../stack/description.ts'
import { odooSession } from '../support/odoo-session.ts'
import { GATE_FINDS_OUT, REFRESH_COOKIE } from '../support/pwa.ts'
import { cookieOf, postAuth, untilExpired } from '../support/tokens.ts'
import { expect, test } from './browser.ts'
import { fill, find, press, seen, textOf } from './find.ts'
import { watch, type Watch } from './watch.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const { demo } = stack.accounts
const mark = randomUUID().slice(0, 8)
const MANY = 60

test.beforeAll(async () => {
  // Odoo loads what makes contacts when it is asked first.
  test.slow()
  const many = Array.from({ length: MANY }, (_, n) => ({
    name: `Wren ${String(n).padStart(2, '0')}`,
    email: `${n}@${mark}.example`,
  }))
  await (await odooSession(stack.accounts.admin)).call('res.partner', 'create', [many])
})

async function signIn(driver: WebDriver, { login, password }: Account = demo): Promise<Watch> {
  await driver.get(stack.issuer)
  await find(driver, 'heading', 'Sign in')
  const network = await watch(driver)
  await fill(driver, 'Login', login)
  await fill(driver, 'Password', password)
  await press(driver, 'Sign in')
  return network
}

const contacts = async (driver: WebDriver): Promise<number> =>
  (await (await find(driver, 'region', 'Contacts')).findElements(By.css('li'))).length

const untilContacts = (driver: WebDriver): Promise<void> =>
  expect.poll(() => textOf(driver)).toMatch(/\d+ in all/)

async function refreshCookie(driver: WebDriver): Promise<string> {
  const cookies = await driver.manage().getCookies()
  return cookies.find(({ name }) => name === REFRESH_COOKIE)?.value ?? ''
}

test('A1–A7: a user signs in with the Odoo password and sees what Odoo shows them', async ({
  driver,
}) => {
  const network = await signIn(driver)
  await untilContacts(driver)
  await expect.poll(() => textOf(driver)).toContain('Marc Demo')
  expect(await contacts(driver)).toBeGreaterThan(10)
  // The focus came along, and it took nothing beneath the bar.
  expect(await driver.executeScript('return scrollY')).toBe(0)
  expect(await network.statuses(PATHS.login)).toEqual([200])
  expect(await network.statuses(PATHS.protectedData)).toEqual([200])
  expect(await network.violations()).toEqual([])

  await test.step('A4: the access token is in memory alone, the refresh token out of reach', async () => {
    const [cookie] = await driver.manage().getCookies()
    expect(cookie).toMatchObject({
      name: REFRESH_COOKIE,
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
    })
    const stored = await driver.executeScript<string>(async () => {
      const cached = async (name: string) =>
        (await (await globalThis.caches.open(name)).keys()).map(({ url }) => url)
      const caches = await Promise.all((await globalThis.caches.keys()).map(cached))
      return JSON.stringify([localStorage, sessionStorage, document.cookie, caches])
    })
    // The files of the app, which the service worker keeps.
    expect(stored).toContain('index.html')
    expect(stored).not.toContain(await network.lastBearer())
    expect(stored).not.toContain(REFRESH_COOKIE)
    expect(stored).not.toContain(PATHS.protectedData)
  })
})

test('A2: a wrong password is told in words, and nobody is signed in', async ({ driver }) => {
  await signIn(driver, { ...demo, password: 'not the password' })
  const alert = await find(driver, 'alert')
  await expect.poll(() => alert.getText()).toContain('Wrong login or password')
  expect(await refreshCookie(driver)).toBe('')
})

test('contacts: searched for, more at the end of the list, one opened and closed', async ({
  driver,
}) => {
  await signIn(driver)
  await untilContacts(driver)
  const search = await find(driver, 'searchbox', 'Search contacts')
  await search.sendKeys(mark)
  // The first page is never all of them: the list itself brings the rest when it is scrolled.
  await expect
    .poll(async () => {
      await driver.executeScript('window.scrollTo(0, document.documentElement.scrollHeight)')
      return textOf(driver)
    })
    .toContain(`${MANY} found`)
  expect(await contacts(driver)).toBe(MANY)

  await search.clear()
  await search.sendKeys(`${mark} wren 07`)
  await expect.poll(() => textOf(driver)).toContain('1 found')
  await (await find(driver, 'link', 'Wren 07')).click()
  await find(driver, 'dialog', 'Wren 07')
  await expect.poll(() => driver.getCurrentUrl()).toMatch(/\?contact=\d+$/)
  await expect.poll(() => textOf(driver)).toContain(`7@${mark}.example`)
  await driver.actions().sendKeys(Key.ESCAPE).perform()
  await expect.poll(() => driver.getCurrentUrl()).toBe(`${stack.issuer}/`)
  expect(await seen(driver, 'dialog')).toBeNull()
})

test('A8–A11: the token expires: one 401, one refresh, the request once more', async ({
  driver,
}) => {
  const network = await signIn(driver)
  await untilContacts(driver)
  await (await find(driver, 'checkbox', GATE_FINDS_OUT)).click()
  const before = await refreshCookie(driver)
  await untilExpired(api, await network.lastBearer())
  await press(driver, 'Reload')
  await expect.poll(() => network.statuses(PATHS.protectedData)).toEqual([200, 401, 200])
  expect(await network.statuses(PATHS.refresh)).toEqual([200])
  expect(await refreshCookie(driver), 'rotated').not.toBe(before)
  await untilContacts(driver)
})

test('A11: whoever opens the page again, or a second window, is still signed in', async ({
  driver,
}) => {
  await signIn(driver)
  await untilContacts(driver)
  await driver.navigate().refresh()
  await untilContacts(driver)
  const first = await driver.getWindowHandle()
  await driver.switchTo().newWindow('window')
  await driver.get(stack.issuer)
  await untilContacts(driver)
  await press(driver, 'Sign out')
  await find(driver, 'heading', 'Sign in')
  await driver.switchTo().window(first)
  await find(driver, 'heading', 'Sign in')
})

test('A12: a refresh cookie two generations old: the session is over', async ({ driver }) => {
  const network = await signIn(driver)
  await untilContacts(driver)
  await (await find(driver, 'checkbox', GATE_FINDS_OUT)).click()
  const stolen = await refreshCookie(driver)
  const once = await postAuth(PATHS.refresh, {}, `${REFRESH_COOKIE}=${stolen}`)
  const twice = await postAuth(PATHS.refresh, {}, cookieOf(once))
  expect([once.status, twice.status]).toEqual([200, 200])
  await untilExpired(api, await network.lastBearer())
  await press(driver, 'Reload')
  await find(driver, 'heading', 'Sign in')
  expect(await textOf(driver)).toContain('Your session is over.')
  expect(await refreshCookie(driver), 'cleared').toBe('')
})

test('A12: signing out ends the session here and at the bridge', async ({ driver }) => {
  await signIn(driver)
  await untilContacts(driver)
  const cookie = await refreshCookie(driver)
  await press(driver, 'Sign out')
  await find(driver, 'heading', 'Sign in')
  await expect.poll(() => textOf(driver)).toContain('You are signed out.')
  await expect.poll(() => refreshCookie(driver)).toBe('')
  const again = await postAuth(PATHS.refresh, {}, `${REFRESH_COOKIE}=${cookie}`)
  expect(again.status).toBe(401)
})
