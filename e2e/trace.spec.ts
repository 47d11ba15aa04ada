import { expect, test, type Locator, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import { obstaclesIn } from './support/obstacles.ts'
import {
  contacts,
  leaveExpiryToTheGate,
  openSignedIn,
  REFRESH_COOKIE,
  refreshCookie,
  reload,
  signInAtPwa,
  signInPage,
} from './support/pwa.ts'
import { cookieOf, postAuth, untilExpired } from './support/tokens.ts'

// "What just happened": the sequence from the browser to Odoo, as gate and bridge tell it in demo
// mode.

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const { demo } = stack.accounts

const steps = (page: Page): Locator => page.getByRole('region', { name: 'Steps, oldest first' })

/** The last story with this heading. */
const story = (page: Page, heading: string): Locator =>
  steps(page).getByRole('group', { name: heading, exact: true }).last()

/** Waits until the lines of a story are there, in this order, whatever stands between them. */
async function tells(of: Locator, ...lines: RegExp[]): Promise<void> {
  await expect(async () => {
    const texts = await of.getByRole('listitem').allInnerTexts()
    const said = texts.map((text) => text.replaceAll(/\s+/g, ' '))
    let from = 0
    for (const line of lines) {
      const found = said.findIndex((text, index) => index >= from && line.test(text))
      expect(found, `${line} in ${said.slice(from).join(' | ')}`).toBeGreaterThanOrEqual(0)
      from = found + 1
    }
  }).toPass({ timeout: 10_000 })
}

test('A1–A4: a sign-in: Odoo is asked, the key came from Vault, and a call follows', async ({
  page,
}) => {
  await openSignedIn(page, demo)
  await tells(
    story(page, 'Sign-in'),
    /^Browser → Bridge: Login and password POST \/auth\/login/,
    /^Bridge: Signs a proof that it is the bridge: key from (memory|Vault)/,
    /^Bridge ⇄ Odoo: Are login and password right\? sign_in [\d.]+ ms/,
    /^Bridge: Signs an access token: key from (memory|Vault) .*A1$/,
    /^Bridge: Writes the new session down insert/,
    /^Bridge → Browser: Allowed\. .*200 OK .*A3$/,
  )
  await expect(
    story(page, 'Sign-in').getByRole('listitem').filter({ hasText: 'Bridge ⇄ Vault' }),
  ).not.toHaveCount(0)
  await tells(
    story(page, `GET ${PATHS.protectedData}`),
    /^Browser → Gate: Asks for data, .*GET \/api\/protected\/data .*A5$/,
    /^Gate: Allowed\. Let through: .*A6\.1$/,
    /^Gate → Bridge: Passed on, without the token .*A7\.1$/,
    /^Bridge: Looks the session up/,
    /^Bridge ⇄ Odoo: Asks as this user .*A7\.1\.1$/,
    /^Bridge → Browser: Allowed\. The answer 200 OK \d+ ms.*A7\.2$/,
  )
})

test('A5–A11: an expiry is one story: call, 401, refresh, retry, 200', async ({ page }) => {
  const network = watch(page, stack.issuer)
  await openSignedIn(page, demo)
  await leaveExpiryToTheGate(page)
  const token = network.lastBearer()
  await untilExpired(api, token)
  await reload(page)
  const expiry = story(page, 'The access token expired')
  await tells(
    expiry,
    /^Browser → Gate: .*A5$/,
    /^Gate: Refused\. Refused: the access token expired .*A6\.1$/,
    /^Gate → Browser: Refused\. .*401 invalid_token .*A8\.1$/,
    /^Browser → Bridge: Asks for a new access token, by the cookie POST \/auth\/refresh A9$/,
    /^Bridge: Moves the session on.* rotate .*A10$/,
    /^Bridge: Signs an access token: key from (memory|Vault) .*A11\.1$/,
    /^Bridge → Browser: Allowed\. A new access token\. .*A11\.3$/,
    /^Browser → Gate: The same request again.* A11\.5$/,
    /^Gate: Allowed\. Let through/,
    /^Bridge ⇄ Odoo: /,
    /^Bridge → Browser: Allowed\. The answer 200 OK .*A7\.2$/,
  )
  await expect(expiry).toContainText('401 → 200 OK')

  await test.step('it can be copied, and no token is in it', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy text' }).click()
    await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible()
    const text = await page.evaluate(() => navigator.clipboard.readText())
    expect(text).toContain('A8.1   Gate → Browser')
    for (const secret of [token, network.lastBearer(), await refreshCookie(page), 'eyJ']) {
      expect(text).not.toContain(secret)
      expect(await steps(page).innerText()).not.toContain(secret)
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect(steps(page)).toHaveText('Nothing yet.')
  })
})

test('A5: a question is drawn when it is asked, and waits for its answer', async ({ page }) => {
  await openSignedIn(page, demo)
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  await page.route(`**${PATHS.protectedData}*`, async (route) => {
    await held
    await route.continue()
  })
  await reload(page)
  const call = steps(page).getByRole('group').last()
  await expect(call).toContainText('under way')
  await tells(call, /A5$|A9$/, /Waiting\. Under way…$/)
  answer()
  await tells(call, /^Gate: Allowed/, /The answer 200 OK/)
  await expect(call).not.toContainText('Waiting')
})

test('A12: a refused refresh is told to the end, and the sign-in page opens', async ({ page }) => {
  await openSignedIn(page, demo)
  const network = watch(page, stack.issuer)
  await leaveExpiryToTheGate(page)
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData).at(-1)).toBe(200)
  const stolen = await refreshCookie(page)
  const once = await postAuth(PATHS.refresh, {}, `${REFRESH_COOKIE}=${stolen}`)
  await postAuth(PATHS.refresh, {}, cookieOf(once))
  await untilExpired(api, network.lastBearer())
  await reload(page)
  await expect(signInPage(page)).toBeVisible()
  await signInAtPwa(page, demo)
  await tells(
    story(page, 'The access token expired'),
    /A8\.1$/,
    /A9$/,
    /^Bridge: Moves the session on/,
    /^Bridge: Ends the session end/,
    /^Bridge → Browser: Refused\. .*401 invalid_refresh_token .*A12\.1$/,
    /^Browser: Signed out: .*A12\.2$/,
  )
})

test('a wrong password: nothing tells what took how long, but that it was refused', async ({
  page,
}) => {
  await page.goto('/')
  for (const login of [demo.login, 'nobody-of-that-name']) {
    const answer = page.waitForResponse((response) => response.url().endsWith(PATHS.login))
    await signInAtPwa(page, { login, password: 'wrong' })
    const timing = (await (await answer).headerValue('server-timing')) ?? ''
    expect(timing).toMatch(/^gate;desc="passed_on@0";dur=\d+, upstream;dur=\d+$/)
    await expect(page.getByRole('alert')).toContainText('Wrong login or password')
  }
})

test('offline: no answer came, and nothing is lost', async ({ page, context }) => {
  await openSignedIn(page, demo)
  await context.setOffline(true)
  await reload(page)
  await tells(steps(page).getByRole('group').last(), /A5$|A9$/, /^Browser: Failed\. No/)
  await context.setOffline(false)
})

test('a second tab tells of the first', async ({ page, context }) => {
  await openSignedIn(page, demo)
  const second = await context.newPage()
  await second.goto('/')
  await expect(contacts(second).first()).toBeVisible()
  await tells(story(second, 'The page was opened'), /A9$/, /A new access token|Another tab/)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(second)).toBeVisible()
  await signInAtPwa(second, demo)
  await tells(story(second, 'Another tab'), /^Browser: Another tab signed out/)
})

test('without demo mode it draws what the browser knows, and says so', async ({ page }) => {
  await page.route('**/*', async (route) => {
    if (!/\/(auth|api)\//.test(route.request().url())) return route.continue()
    const response = await route.fetch()
    const headers = response.headers()
    Reflect.deleteProperty(headers, 'server-timing')
    return route.fulfill({ response, headers })
  })
  await openSignedIn(page, demo)
  await expect(page.getByText('is told in demo mode only')).toContainText('What the browser knows')
  const lines = story(page, `GET ${PATHS.protectedData}`).getByRole('listitem')
  await expect(lines).toHaveCount(4)
  await expect(steps(page)).not.toContainText('⇄')
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [390, 1280]) {
    test(`nothing is in the way of people: ${colorScheme}, ${width} pixels`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 844 })
      await openSignedIn(page, demo)
      const network = watch(page, stack.issuer)
      await page.goto('/activity')
      await expect(story(page, `GET ${PATHS.protectedData}`)).toContainText('200 OK')
      await leaveExpiryToTheGate(page)
      await untilExpired(api, network.lastBearer())
      await page.getByRole('link', { name: 'Contacts' }).click()
      await reload(page)
      await expect.poll(() => network.seen(PATHS.protectedData).at(-1)).toBe(200)
      await page.getByRole('link', { name: 'Steps' }).click()
      await expect(story(page, 'The access token expired')).toContainText('200 OK')
      expect(await obstaclesIn(page)).toEqual([])

      await test.step('the keyboard reaches it, and nothing lies beyond the edge', async () => {
        await page.getByRole('button', { name: 'Clear' }).focus()
        await page.keyboard.press('Tab')
        await expect(steps(page)).toBeFocused()
        const beyond = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect(beyond).toBe(0)
        const box = await page.getByRole('button', { name: 'Clear' }).boundingBox()
        expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
      })
    })
  }
}
