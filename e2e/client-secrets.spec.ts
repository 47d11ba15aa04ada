import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium, expect, test, type BrowserContext, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { chromiumProgram } from './stack/chromium.ts'
import { readStack } from './stack/description.ts'
import { inFiles, watchForLeaks } from './support/leaks.ts'
import { watch } from './support/network.ts'
import {
  contacts,
  leaveExpiryToTheGate,
  openSignedIn,
  openSignInPage,
  refreshCookie,
  reload,
  signInPage,
} from './support/pwa.ts'
import { untilExpired } from './support/tokens.ts'

// A whole life of a session in the PWA, and where its tokens are to be found: nowhere.

const stack = readStack()
const LOGS = dirname(stack.parts[0]?.logFile ?? '')

/** What a browser leaves on its disk; its cookies are meant to be there. */
let profile: string
let context: BrowserContext

test.beforeEach(async () => {
  profile = mkdtempSync(join(tmpdir(), 'drawbridge-profile-'))
  context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumProgram(),
    baseURL: stack.issuer,
  })
})

test.afterEach(async () => {
  await context.close()
  rmSync(profile, { recursive: true, force: true })
})

const watchContext = () =>
  watchForLeaks(
    context,
    (response) =>
      response.ok() &&
      ([PATHS.login, PATHS.refresh] as string[]).includes(new URL(response.url()).pathname),
  )

test('sign-in, calls, expiry, refresh, retry, reload, a second tab, sign-out: no token is left anywhere', async () => {
  test.slow()
  const leaks = watchContext()
  const page = await context.newPage()
  const network = watch(page, stack.issuer)
  await openSignedIn(page, stack.accounts.demo)
  const refreshTokens = new Set([await refreshCookie(page)])

  await leaveExpiryToTheGate(page)
  await untilExpired(stack.issuer + PATHS.protectedData, network.lastBearer())
  await reload(page)
  await expect.poll(() => network.seen(PATHS.refresh)).toEqual([401, 200])
  await expect(contacts(page).first()).toBeVisible()
  refreshTokens.add(await refreshCookie(page))

  await page.reload()
  await expect(contacts(page).first()).toBeVisible()
  await page.evaluate(() => navigator.serviceWorker.ready)
  const second = await context.newPage()
  await second.goto('/account')
  await expect(second.getByRole('heading', { name: 'Devices' }).first()).toBeVisible()
  await second.goto('/activity')
  await expect(second).toHaveURL(/activity/)
  refreshTokens.add(await refreshCookie(page))

  const tokens = await leaks.tokens()
  for (const token of refreshTokens) expect(tokens.has(token), 'all are watched').toBe(true)
  expect(tokens.size).toBeGreaterThanOrEqual(6)
  expect(tokens.has(network.lastBearer())).toBe(true)
  expect(await leaks.inBrowser(tokens, [page, second]), 'while signed in').toEqual([])

  await second.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(second)).toBeVisible()
  await expect(signInPage(page)).toBeVisible()
  expect(await leaks.inBrowser(await leaks.tokens(), [page, second]), 'signed out').toEqual([])
  expect(inFiles(LOGS, await leaks.tokens()), 'in the logs').toEqual([])

  await context.close()
  expect(inFiles(profile, await leaks.tokens()), 'on the disk of the browser').toEqual([])
})

/** How a token could come to lie in each place. */
const PLANTS: Record<string, (page: Page, secret: string) => Promise<unknown>> = {
  localStorage: (page, secret) =>
    page.evaluate((secret) => {
      localStorage.setItem('session', secret)
    }, secret),
  sessionStorage: (page, secret) =>
    page.evaluate((secret) => {
      sessionStorage.setItem(secret, '1')
    }, secret),
  indexedDB: (page, secret) =>
    page.evaluate(
      (secret) =>
        new Promise<void>((done) => {
          const opening = indexedDB.open('planted', 1)
          opening.onupgradeneeded = () => {
            opening.result.createObjectStore('store').put({ deep: [secret] }, 'key')
          }
          opening.onsuccess = () => {
            opening.result.close()
            done()
          }
        }),
      secret,
    ),
  'caches (URL)': (page, secret) =>
    page.evaluate(async (secret) => {
      await (await caches.open('planted')).put(`/x?${secret}`, new Response('x'))
    }, secret),
  'caches (request header)': (page, secret) =>
    page.evaluate(async (secret) => {
      const request = new Request('/x', { headers: { Authorization: `Bearer ${secret}` } })
      await (await caches.open('planted')).put(request, new Response('x'))
    }, secret),
  'caches (answer header)': (page, secret) =>
    page.evaluate(async (secret) => {
      const response = new Response('x', { headers: { 'X-Token': secret } })
      await (await caches.open('planted')).put('/x', response)
    }, secret),
  'caches (body)': (page, secret) =>
    page.evaluate(async (secret) => {
      const response = Response.json({ access_token: secret })
      await (await caches.open('planted')).put('/auth/refresh', response)
    }, secret),
  'document.cookie': (page, secret) =>
    page.evaluate((secret) => {
      document.cookie = `token=${secret}`
    }, secret),
  'history.state': (page, secret) =>
    page.evaluate((secret) => {
      history.replaceState({ secret }, '')
    }, secret),
  'window.name': (page, secret) =>
    page.evaluate((secret) => {
      window.name = secret
    }, secret),
  'document.referrer': async (page, secret) => {
    await page.goto('/', { referer: `${stack.issuer}/?${secret}` })
  },
  performance: (page, secret) =>
    page.evaluate((secret) => {
      performance.mark(secret)
    }, secret),
  history: (page, secret) =>
    page.evaluate((secret) => {
      history.pushState(null, '', `/#${secret}`)
      history.pushState(null, '', '/')
    }, secret),
  'dom (text)': (page, secret) =>
    page.evaluate((secret) => {
      document.body.append(secret)
    }, secret),
  'dom (field)': (page, secret) =>
    page.evaluate((secret) => {
      const field = document.createElement('input')
      field.value = secret
      document.body.append(field)
    }, secret),
  'dom (shadow)': (page, secret) =>
    page.evaluate((secret) => {
      const host = document.createElement('div')
      host.attachShadow({ mode: 'open' }).append(secret)
      document.body.append(host)
    }, secret),
  console: (page, secret) =>
    page.evaluate((secret) => {
      console.debug('token', secret)
    }, secret),
  'request URL': (page, secret) =>
    page.evaluate(async (secret) => {
      await fetch(`/manifest.webmanifest?access_token=${secret}`)
    }, secret),
  referrer: (page, secret) =>
    page.evaluate(async (secret) => {
      const referrer = `/?${secret}`
      await fetch('/manifest.webmanifest', { referrer, referrerPolicy: 'same-origin' })
    }, secret),
}

test('the search finds a token in each of these places, where one is planted', async () => {
  test.slow()
  const leaks = watchContext()
  const planted: string[] = []
  for (const [place, plant] of Object.entries(PLANTS)) {
    const page = await context.newPage()
    await openSignInPage(page)
    const secret = `planted.${randomUUID()}.${randomUUID()}`
    planted.push(secret)
    await plant(page, secret)
    const name = place.split(' (')[0] ?? place
    // By its signature alone, too.
    const found = await leaks.inBrowser([`x.y.${secret.split('.')[2] ?? ''}`], [page])
    expect(found, place).toContain(name)
    expect(await leaks.inBrowser([`planted.${randomUUID()}.${randomUUID()}`], [page])).toEqual([])
    await page.close()
  }

  const inPath = `planted.${randomUUID()}.${randomUUID()}`
  await fetch(`${stack.issuer}/auth/${inPath}`)
  await expect.poll(() => inFiles(LOGS, [inPath])).toContain('access.log')

  await context.close()
  const onDisk = planted.filter((secret) => inFiles(profile, [secret]).length > 0)
  expect(onDisk.length, 'what was stored lies on the disk').toBeGreaterThan(3)
})
