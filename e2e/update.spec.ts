/** One version of the PWA after the other, in a browser that has the earlier one open. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from 'playwright/test'
import { readStack } from './stack/description.ts'
import { contacts, signInPage, signInToContacts } from './support/pwa.ts'
import { buildPwa, servePwa, type PwaServer } from './support/pwa-builds.ts'
import { collectVitals, vitalsOf } from './support/vitals.ts'

const { accounts } = readStack()

let folder: string
let builds: [first: string, second: string]
let server: PwaServer

test.beforeAll(async () => {
  // Two builds.
  test.slow()
  folder = await mkdtemp(join(tmpdir(), 'drawbridge-builds-'))
  builds = [await buildPwa(folder, 1), await buildPwa(folder, 2)]
})

test.afterAll(async () => {
  await rm(folder, { recursive: true })
})

test.beforeEach(async () => {
  server = await servePwa(builds[0])
})

test.afterEach(async () => {
  await server.stop()
})

const offer = (page: Page) => page.getByText('A new version is ready.')
const press = (page: Page, name: 'Update' | 'Later') =>
  page.getByRole('button', { name, exact: true }).click()
const buildOf = (page: Page) => page.evaluate(() => document.documentElement.dataset['build'])

/** Opens the app, and waits until it can do without the server. */
async function open(page: Page, path = '/'): Promise<void> {
  await page.goto(server.origin + path)
  await expect(signInPage(page)).toBeVisible()
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
}

/** Waits until the browser has looked for a new version, and is through with it. */
async function looked(page: Page): Promise<void> {
  await page
    .evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration()
      const { installing } = (await registration?.update()) ?? {}
      if (!installing) return
      await new Promise((resolve) => {
        installing.addEventListener('statechange', resolve, { once: true })
      })
    })
    .catch(() => undefined)
}

test('a new version is offered, waits as long as the user wants, and loses nothing', async ({
  page,
  context,
}) => {
  test.slow()
  await collectVitals(context)
  await open(page)
  expect(await buildOf(page)).toBe('1')
  await expect(offer(page), 'the very first version is no new one').toBeHidden()
  await page.reload()
  await signInToContacts(page, accounts.demo)
  await page.goto(`${server.origin}/activity?a=b`)
  await expect(page.getByRole('region', { name: 'What just happened' })).toBeVisible()

  await server.deploy(builds[1])
  await page.reload()
  await expect(offer(page)).toBeVisible()
  expect(await buildOf(page)).toBe('1')
  await press(page, 'Later')
  await expect(offer(page)).toBeHidden()
  await page.goto(server.origin)
  await expect(contacts(page).first()).toBeVisible()
  expect(await buildOf(page), 'whose files the server has no more').toBe('1')

  await page.goto(`${server.origin}/activity?a=b`)
  await expect(offer(page)).toBeVisible()
  expect((await vitalsOf(page)).violations).toEqual([])
  await press(page, 'Update')
  await expect.poll(() => buildOf(page).catch(() => undefined)).toBe('2')
  await expect(page).toHaveURL(`${server.origin}/activity?a=b`)
  await expect(page.getByRole('region', { name: 'What just happened' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Sign out', exact: true })).toBeVisible()
  await expect(offer(page)).toBeHidden()
  expect((await vitalsOf(page)).violations).toEqual([])

  await context.setOffline(true)
  await page.reload()
  await expect(page.locator('drawbridge-app')).toBeVisible()
  expect(await buildOf(page)).toBe('2')
})

test('one tab’s user agrees, the other’s is not interrupted and may follow', async ({
  page,
  context,
}) => {
  await open(page)
  await page.reload()
  await expect(signInPage(page)).toBeVisible()
  const other = await context.newPage()
  await open(other)
  await server.deploy(builds[1])
  await page.reload()
  await expect(offer(page)).toBeVisible()
  await expect(offer(other)).toBeVisible()
  await other.getByLabel('Login').fill('half of what')
  await press(other, 'Later')
  await expect(offer(other)).toBeHidden()
  await press(page, 'Update')
  await expect.poll(() => buildOf(page).catch(() => undefined)).toBe('2')
  // Its files are gone from the cache, so it is asked once more.
  await expect(offer(other)).toBeVisible()
  expect(await buildOf(other)).toBe('1')
  await expect(other.getByLabel('Login')).toHaveValue('half of what')
  await press(other, 'Update')
  await expect.poll(() => buildOf(other).catch(() => undefined)).toBe('2')
  await expect(offer(other)).toBeHidden()
})

test('a tab whose first visit it is hears of a new version too', async ({ page }) => {
  await open(page)
  await server.deploy(builds[1])
  await looked(page)
  await expect(offer(page)).toBeVisible()
  await press(page, 'Update')
  await expect.poll(() => buildOf(page).catch(() => undefined)).toBe('2')
})

for (const path of ['/', '/sw.js']) {
  test(`one build’s ${path} is not taken for another’s, as old and as long`, async () => {
    const url = server.origin + path
    const [one, other] = [await fetch(url), await server.deploy(builds[1]).then(() => fetch(url))]
    const before = await one.text()
    const after = await other.text()
    expect(after).not.toBe(before)
    expect(after).toHaveLength(before.length)
    expect(other.headers.get('last-modified')).toBe(one.headers.get('last-modified'))
    const isKnown = {
      'If-Modified-Since': one.headers.get('last-modified') ?? '',
      'If-None-Match': one.headers.get('etag') ?? '"none"',
    }
    for (const [name, value] of Object.entries(isKnown)) {
      const asked = await fetch(url, { headers: { [name]: value } })
      expect([asked.status, await asked.text()], name).toEqual([200, after])
    }
  })
}

for (const [how, breakIt] of [
  ['does not run', () => server.overwrite('sw.js', 'throw new Error("broken")')],
  ['lacks files', () => server.loseAssets()],
  ['is no script at all', () => server.overwrite('sw.js', '<!doctype html>')],
] as const) {
  test(`a new version that ${how} is not offered, and the old one goes on`, async ({
    page,
    context,
  }) => {
    const errors: Error[] = []
    page.on('pageerror', (error) => errors.push(error))
    await open(page)
    await server.deploy(builds[1])
    await breakIt()
    const before = server.asked('/sw.js')
    await page.reload()
    await expect(signInPage(page)).toBeVisible()
    await looked(page)
    expect(server.asked('/sw.js')).toBeGreaterThan(before)
    await expect(offer(page)).toBeHidden()
    await context.setOffline(true)
    await page.reload()
    await expect(page.locator('drawbridge-app')).toBeVisible()
    expect(await buildOf(page)).toBe('1')
    expect(errors).toEqual([])
  })
}

test('a page that stays open looks for a new version once an hour, and not more often', async ({
  page,
}) => {
  await page.clock.install()
  await open(page)
  const asked = server.asked('/sw.js')
  await server.deploy(builds[1])
  const comeBack = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await page.clock.runFor('00:59:00')
  await comeBack()
  expect(server.asked('/sw.js')).toBe(asked)
  // The hour began a moment after the page came, and what comes of it takes a moment of real time.
  await expect(async () => {
    await page.clock.runFor('00:05:00')
    await expect(offer(page)).toBeVisible({ timeout: 1000 })
  }).toPass()
  await comeBack()
  await page.clock.runFor('00:10:00')
  expect(server.asked('/sw.js')).toBe(asked + 1)
})
