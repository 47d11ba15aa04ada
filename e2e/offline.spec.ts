import { expect, test, type BrowserContext, type Page } from 'playwright/test'
import { readStack } from './stack/description.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession } from './support/odoo-session.ts'
import { makePerson, type Person } from './support/people.ts'
import {
  contacts,
  openSignedIn,
  refreshCookie,
  signInAtPwa,
  signInPage,
  signInToContacts,
} from './support/pwa.ts'

// What the PWA shows without a network or a bridge, and what wipes it.

const stack = readStack()
const DAY = 86_400_000

/**
 * A page that was loaded while the network was only said to be gone is not told when it comes back:
 * it finds out by its own tries, the second of which may be needed.
 */
const LATER = { timeout: 20_000 }

let ann: Person
let bob: Person

test.beforeAll(async () => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  const admin = await odooSession(stack.accounts.admin)
  ann = await makePerson(admin)
  bob = await makePerson(admin)
})

const region = (page: Page) => page.getByRole('region', { name: 'Contacts', exact: true })
const kept = (page: Page) => region(page).getByText(/^\d+ kept on this device$/)
const sheet = (page: Page) => page.getByRole('dialog')
const noServer = (page: Page) => page.getByRole('heading', { name: 'The server does not answer' })

/** All that the app has stored in this browser. */
const stored = (page: Page) =>
  page.evaluate(async () => {
    const rows: Record<string, unknown[]> = {}
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open('drawbridge-offline')
      asked.onsuccess = () => {
        resolve(asked.result)
      }
      asked.onerror = () => {
        reject(new Error('no database'))
      }
    })
    for (const name of database.objectStoreNames) {
      rows[name] = await new Promise((resolve) => {
        const asked = database.transaction(name).objectStore(name).getAll()
        asked.onsuccess = () => {
          resolve(asked.result)
        }
      })
    }
    database.close()
    return rows
  })

const nothingIsKept = (page: Page) =>
  expect(async () => {
    const rows = await stored(page)
    expect([rows['owner'], rows['lists'], rows['contacts']].flat()).toEqual([])
  }).toPass()

/** Signs in, and waits until the app can be opened without a network. */
async function enter(page: Page, person: Person): Promise<void> {
  await openSignedIn(page, person)
  await page.evaluate(() => navigator.serviceWorker.ready)
  await expect(async () => {
    expect((await stored(page))['lists']).toHaveLength(1)
  }).toPass()
}

/** The bridge answers nothing that helps, as long as this is so. */
async function fail(page: Page, status: number): Promise<() => Promise<void>> {
  const isBridges = /\/(auth|api)\//
  await page.route(isBridges, (route) => route.fulfill({ status, body: '<h1>Bad Gateway</h1>' }))
  return () => page.unroute(isBridges)
}

test('opened without a network: the contacts read last, until there is one again', async ({
  page,
  context,
}) => {
  await enter(page, ann)
  const first = contacts(page).first().getByRole('link').first()
  const name = (await first.textContent()) ?? ''
  // Others may have the same name.
  const same = contacts(page).locator(`a[href="${(await first.getAttribute('href')) ?? ''}"]`)
  await first.click()
  await expect(sheet(page).getByRole('heading', { name })).toBeVisible()
  await sheet(page).getByRole('button', { name: 'Close' }).click()
  const count = await contacts(page).count()

  await context.setOffline(true)
  await page.reload()
  // A browser whose network is only said to be gone may not know that itself.
  const notice = /^(You are offline|The server does not answer)\. As of \d/
  await expect(region(page).getByText(notice)).toBeVisible()
  await expect(kept(page)).toHaveText(`${count} kept on this device`)
  await expect(contacts(page)).toHaveCount(count)
  await expect(page.getByRole('banner')).toContainText(ann.login)

  await page.getByRole('searchbox', { name: 'Search contacts' }).fill(name)
  await expect(region(page).getByRole('status')).toContainText('found')
  await expect(same).toBeVisible()
  await same.click()
  await expect(sheet(page).getByRole('heading', { name })).toBeVisible()
  await expect(sheet(page).getByRole('status')).toContainText(/As of \d/)
  await expect(sheet(page).getByRole('button', { name: 'Edit' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  await page.getByRole('searchbox', { name: 'Search contacts' }).fill('')
  await expect(kept(page)).toBeVisible()

  await contacts(page).nth(1).getByRole('link').first().click()
  await expect(sheet(page).getByRole('status')).toContainText('only what the list shows is kept')
  await page.keyboard.press('Escape')

  await context.setOffline(false)
  await expect(kept(page)).toHaveCount(0, LATER)
  await expect(region(page).getByRole('status')).toContainText('in all')
})

test('losing the network: what is there stays, marked, and comes back to life', async ({
  page,
  context,
}) => {
  await enter(page, ann)
  await context.setOffline(true)
  await expect(region(page).getByText(/^You are offline\. As of \d/)).toBeVisible()
  await expect(kept(page)).toBeVisible()
  await context.setOffline(false)
  await expect(kept(page)).toHaveCount(0)
})

for (const status of [500, 502, 503]) {
  test(`a bridge that answers ${status} ends nothing`, async ({ page }) => {
    await enter(page, ann)
    const mend = await fail(page, status)
    await page.reload()
    await expect(region(page).getByText(/^The server does not answer\. As of \d/)).toBeVisible()
    await expect(kept(page)).toBeVisible()
    await mend()
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(region(page).getByRole('status')).toContainText('in all')
  })
}

test('without anything kept, the app says that nobody answers, and looks again', async ({
  page,
  context,
}) => {
  await enter(page, ann)
  await page.getByRole('link', { name: 'Devices' }).click()
  await page.getByRole('checkbox', { name: /^Keep the contacts/ }).uncheck()
  await nothingIsKept(page)
  await context.setOffline(true)
  await page.reload()
  await expect(noServer(page)).toBeVisible()
  await context.setOffline(false)
  await expect(page.getByRole('heading', { name: 'Devices and apps' })).toBeVisible(LATER)
  await nothingIsKept(page)
  await expect(page.getByRole('checkbox', { name: /^Keep the contacts/ })).not.toBeChecked()
})

test('signing out wipes it', async ({ page, context }) => {
  await enter(page, ann)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(page)).toBeVisible()
  await nothingIsKept(page)
  await context.setOffline(true)
  await page.reload()
  await expect(noServer(page)).toBeVisible()
})

test('signing out without a network wipes it, and the bridge is told later', async ({
  page,
  context,
}) => {
  await enter(page, ann)
  await context.setOffline(true)
  await page.reload()
  await expect(kept(page)).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(page)).toBeVisible()
  await expect(page.getByText('The server could not be told')).toBeVisible()
  await nothingIsKept(page)
  await page.reload()
  await expect(noServer(page)).toBeVisible()

  expect(await refreshCookie(page)).not.toBe('')
  await context.setOffline(false)
  await expect(signInPage(page)).toBeVisible(LATER)
  await expect.poll(() => refreshCookie(page)).toBe('')
})

test('a session that was ended elsewhere meanwhile: wiped as soon as that is known', async ({
  page,
  context,
  browser,
}) => {
  await enter(page, ann)
  await context.setOffline(true)
  await page.reload()
  await expect(kept(page)).toBeVisible()

  const elsewhere = await browser.newPage({ baseURL: stack.issuer })
  await elsewhere.goto('/account')
  await signInAtPwa(elsewhere, ann)
  await elsewhere.getByRole('button', { name: /^Sign out (the other|all)/ }).click()
  await expect(elsewhere.getByText(/(is|are) signed out/)).toBeVisible()
  await elsewhere.close()

  await context.setOffline(false)
  await expect(signInPage(page)).toBeVisible(LATER)
  await expect(page.getByText('Your session is over.')).toBeVisible()
  await nothingIsKept(page)
  await context.setOffline(true)
  await page.reload()
  await expect(noServer(page)).toBeVisible()
})

test('another tab that shows it hides it when one signs out', async ({ page, context }) => {
  await enter(page, ann)
  await context.setOffline(true)
  await page.reload()
  const other = await context.newPage()
  await other.goto('/')
  await expect(kept(other)).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(other)).toBeVisible()
})

test('another user gets nothing of it', async ({ page, context }) => {
  await enter(page, ann)
  await context.clearCookies()
  await page.reload()
  await expect(signInPage(page)).toBeVisible()
  await nothingIsKept(page)
  await signInToContacts(page, bob)
  await context.setOffline(true)
  await page.reload()
  await expect(kept(page)).toBeVisible()
  await expect(page.getByRole('banner')).toContainText(bob.login)
})

test('after a week it is gone, in a page that is open, too', async ({ page, context }) => {
  await page.clock.install()
  await enter(page, ann)
  await context.setOffline(true)
  await page.reload()
  await expect(kept(page)).toBeVisible()
  await page.clock.fastForward(5 * DAY)
  await expect(kept(page)).toBeVisible()
  await page.clock.fastForward(2 * DAY)
  await expect(noServer(page)).toBeVisible()
  await nothingIsKept(page)
})

test('the service worker’s caches have the app’s own files alone', async ({ page }) => {
  await enter(page, ann)
  const cached = await page.evaluate(async () => {
    const found: { path: string; text: string }[] = []
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys()) {
        const text = (await (await cache.match(request))?.text()) ?? ''
        found.push({ path: new URL(request.url).pathname, text })
      }
    }
    return found
  })
  expect(cached.length).toBeGreaterThan(5)
  for (const { path, text } of cached) {
    expect(path).toMatch(/^\/(index\.html|assets\/[\w-]+\.(js|css)|[\w-]+\.(svg|png|webmanifest))$/)
    expect(text).not.toContain(ann.login)
    expect(text).not.toMatch(/eyJ[\w-]{10,}\.[\w-]+\./)
  }
  const refreshToken = await refreshCookie(page)
  const all = JSON.stringify([
    await stored(page),
    await page.evaluate(() => Object.entries(localStorage)),
  ])
  expect(all).toContain(ann.login)
  expect(all).not.toContain(refreshToken)
  expect(all).not.toMatch(/eyJ[\w-]{10,}\.[\w-]+\./)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`everybody can use it: ${colorScheme}`, async ({ page, context }) => {
    await page.emulateMedia({ colorScheme })
    await enter(page, ann)
    await context.setOffline(true)
    await page.reload()
    await expect(kept(page)).toBeVisible()
    await look(page, context, `offline-${colorScheme}`)
    await contacts(page).nth(1).getByRole('link').first().click()
    await expect(sheet(page).getByRole('status')).toContainText('only what the list shows is kept')
    await look(page, context, `offline-contact-${colorScheme}`)
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'Devices' }).click()
    await expect(page.getByRole('checkbox', { name: /^Keep the contacts/ })).toBeVisible()
    await look(page, context, `offline-account-${colorScheme}`)
  })
}

/** Looks for obstacles, on a phone and on a desk. */
async function look(page: Page, _context: BrowserContext, name: string): Promise<void> {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    expect(await obstaclesIn(page)).toEqual([])
    const folder = process.env['LOOK']
    if (folder) await page.screenshot({ path: `${folder}/${name}-${width}.png` })
  }
}
