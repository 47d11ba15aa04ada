/** The same build in a folder of the issuer's origin, beside another install at its root. */
import { expect, test, type BrowserContext, type Page } from 'playwright/test'
import { readStack } from './stack/description.ts'
import { contacts, signInAtPwa, signInPage, signInToContacts } from './support/pwa.ts'

const { issuer, accounts } = readStack()
const BASE = '/app/'

const region = (page: Page, name: string) => page.getByRole('region', { name })

/** Resolves when the app at this address can do without a network. */
async function keep(page: Page, base: string): Promise<void> {
  await page.goto(base)
  await expect(page.locator('drawbridge-app')).toBeVisible()
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
}

/** Where the app that a page shows has its files. */
const folderOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const script = document.querySelector<HTMLScriptElement>('script[type="module"]')
    return new URL('..', script?.src).pathname
  })

const scopes = (page: Page): Promise<string[]> =>
  page.evaluate(async () =>
    (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope).sort(),
  )

test('a person signs in, goes everywhere, reloads everywhere and signs out', async ({ page }) => {
  // A dozen pages.
  test.slow()
  await page.goto('/app')
  await expect(page).toHaveURL(`${BASE}sign-in`)
  await page.goto(`${BASE}account?a=b`)
  await expect(page).toHaveURL(`${BASE}sign-in?return=${encodeURIComponent(`${BASE}account?a=b`)}`)
  await signInAtPwa(page, accounts.demo)
  await expect(page).toHaveURL(`${BASE}account?a=b`)
  await expect(region(page, 'Devices and apps').getByText('This device')).toBeVisible()

  const links = await page
    .getByRole('link')
    .evaluateAll((all) =>
      all.map((each) => new URL((each as HTMLAnchorElement).href)).map(({ pathname }) => pathname),
    )
  expect(links.length).toBeGreaterThan(3)
  for (const path of links) expect(path).toMatch(/^\/app\/(account|activity)?$/)

  await page.getByRole('link', { name: 'Drawbridge' }).click()
  await expect(page).toHaveURL(BASE)
  await contacts(page).getByRole('link').first().click()
  await expect(page).toHaveURL(/\/app\/\?contact=\d+$/)
  await page.reload()
  await expect(page.locator('drawbridge-contact').getByRole('heading')).toBeVisible()
  await page.locator('drawbridge-contact').getByRole('button', { name: 'Close' }).click()
  await expect(page).toHaveURL(BASE)
  for (const [path, name] of [
    ['', 'Contacts'],
    ['account', 'Devices and apps'],
    ['activity', 'What just happened'],
  ] as const) {
    await page.goto(BASE + path)
    await page.reload()
    await expect(region(page, name)).toBeVisible()
    await expect(page).toHaveURL(BASE + path)
  }
  await page.goBack()
  await expect(page).toHaveURL(`${BASE}account`)

  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await expect(page).toHaveURL(`${BASE}sign-in`)
})

test('a way back that leads elsewhere leads to the start of this app', async ({ page }) => {
  test.slow()
  for (const forged of [
    '//elsewhere.example/',
    'https://elsewhere.example/',
    '/.//elsewhere',
    '',
  ]) {
    await page.goto(`${BASE}sign-in?${new URLSearchParams({ return: forged }).toString()}`)
    await signInToContacts(page, accounts.demo)
    await expect(page).toHaveURL(BASE)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(signInPage(page)).toBeVisible()
  }
})

test('what is not there is not the app', async ({ request }) => {
  const page = { headers: { Accept: 'text/html' } }
  for (const path of [
    '/app/x/y',
    '/x/y',
    '/x%20y/z',
    '/app/sign-in.html',
    '/app/headers.conf',
    '/appx/',
  ]) {
    expect((await request.get(path, page)).status(), path).toBe(404)
  }
  expect((await request.get('/app/anything', page)).status()).toBe(200)
  expect((await request.get('/app/anything')).status(), 'asked for by a script').toBe(404)
})

async function offline(context: BrowserContext, act: () => Promise<void>): Promise<void> {
  await context.setOffline(true)
  await act()
  await context.setOffline(false)
}

for (const [own, other] of [
  ['/', BASE],
  [BASE, '/'],
] as const) {
  test(`the worker of ${own} answers for it without a network, and not for ${other}`, async ({
    page,
    context,
  }) => {
    await keep(page, own)
    expect(await scopes(page)).toEqual([issuer + own])
    await offline(context, async () => {
      for (const path of ['', 'account', 'sign-in?return=%2F']) {
        await page.goto(own + path)
        await expect(page.locator('drawbridge-app')).toBeVisible()
        expect(await folderOf(page)).toBe(own)
      }
      for (const path of ['', 'account', 'index.html']) {
        await expect(page.goto(other + path), path).rejects.toThrow('ERR_INTERNET_DISCONNECTED')
      }
    })
  })
}

test('two installs keep out of each other’s way', async ({ page, context }) => {
  await keep(page, '/')
  await keep(page, BASE)
  expect(await scopes(page)).toEqual([`${issuer}/`, issuer + BASE])
  // The first visit of either brings no offer of another version, whoever's worker is there already.
  await expect(page.getByText('A new version is ready.')).toBeHidden()
  // The other one's worker begins anew, with whatever that clears up.
  await page.goto('/')
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration('/')
    await registration?.unregister()
  })
  await page.goto('/')
  await keep(page, '/')
  await offline(context, async () => {
    for (const base of ['/', BASE]) {
      await page.goto(`${base}activity`)
      await expect(page.locator('drawbridge-app')).toBeVisible()
      expect(await folderOf(page)).toBe(base)
    }
  })
  const caches = await page.evaluate(async () => (await globalThis.caches.keys()).sort())
  for (const base of ['/', BASE]) expect(caches).toContain(`workbox-precache-v2-${issuer}${base}`)
})

test('whoever signs out of one install has nothing left in the other', async ({
  page,
  context,
}) => {
  await keep(page, '/')
  await signInAtPwa(page, accounts.demo)
  await expect(contacts(page).first()).toBeVisible()
  const name = await contacts(page).first().locator('strong').innerText()
  await offline(context, async () => {
    await page.goto('/')
    await expect(contacts(page).first()).toContainText(name)
  })
  await page.goto(BASE)
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await offline(context, async () => {
    await page.goto('/')
    await expect(page.getByRole('heading', { name: 'The server does not answer' })).toBeVisible()
    await expect(contacts(page)).toHaveCount(0)
  })
})
