/** Pages behind the gate: nginx-njs/conf/example-sign-in.conf in front of a real app. */
import type { Server } from 'node:http'
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { startHandbook, TOKEN_COOKIE } from './handbook/app.ts'
import { startGate } from './handbook/gate.ts'
import { readStack } from './stack/description.ts'
import { freePort } from './stack/ports.ts'
import type { Part } from './stack/process.ts'
import { takeRunFolder, type RunFolder } from './stack/run-folder.ts'
import { watch } from './support/network.ts'

const stack = readStack()
const { demo } = stack.accounts
const client = stack.clients.find(({ client_id }) => client_id === 'handbook')
const [redirectUri] = client?.redirect_uris ?? []
const [resource] = client?.resources ?? []
if (redirectUri === undefined || resource === undefined) {
  throw new Error('The stack does not know the client handbook.')
}
const { origin } = new URL(redirectUri)

let folder: RunFolder
let app: Server
let gate: Part

test.beforeAll(async () => {
  folder = await takeRunFolder('handbook')
  const port = await freePort()
  app = await startHandbook({
    issuer: stack.issuer,
    clientId: 'handbook',
    redirectUri,
    resource,
    port,
  })
  gate = await startGate(folder.path, stack, origin, `http://127.0.0.1:${port}`)
})
test.afterAll(async () => {
  await gate.stop()
  app.close()
  app.closeAllConnections()
  await folder.release()
})

const formOfTheBridge = (page: Page) => page.getByRole('heading', { name: 'Sign in with Odoo' })

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Login').fill(demo.login)
  await page.getByLabel('Password').fill(demo.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const tokenCookie = async (page: Page) =>
  (await page.context().cookies(origin)).find(({ name }) => name === TOKEN_COOKIE)

/** Fetches as a script of the page does. */
const fetchStatus = (page: Page, path: string): Promise<number> =>
  page.evaluate(async (url) => (await fetch(url)).status, path)

test('B1–B7: a page leads to the sign-in and back, and again when its token is over', async ({
  page,
}) => {
  const asked = `${origin}/guide/a%2Fb?chapter=2&q=%C3%A9%26x`
  const network = watch(page, origin)

  await test.step('B1: without a token to the bridge, by way of the app', async () => {
    await page.goto(asked)
    await expect(formOfTheBridge(page)).toBeVisible()
    await expect(page.getByText('to continue to Handbook')).toBeVisible()
    expect(network.seen('/guide/a%2Fb')).toEqual([303])
    expect(network.seen('/login')).toEqual([303])
  })

  await test.step('B2–B5: signed in, and back at the very page', async () => {
    await signIn(page)
    await page.waitForURL(asked)
    await expect(page.getByRole('status')).toHaveText(/^User \d+$/)
    expect(network.seen('/guide/a%2Fb')).toEqual([303, 200])
    expect(await tokenCookie(page)).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax',
      secure: true,
      path: '/',
    })
  })

  await test.step('B6: what the page loads gets 401 when the token is over, and no redirect', async () => {
    expect(await fetchStatus(page, '/data')).toBe(200)
    await expect.poll(() => fetchStatus(page, '/data'), { timeout: 30_000 }).toBe(401)
    expect(network.seen('/login')).toEqual([303])
  })

  await test.step('B7: the next page signs in anew by itself, and keeps its fragment', async () => {
    await page.goto(`${origin}/next?page=1#part`)
    await expect(page.getByRole('status')).toHaveText(/^User \d+$/)
    expect(page.url()).toBe(`${origin}/next?page=1#part`)
    expect(network.seen('/next')).toEqual([303, 200])
    expect(network.seen('/login')).toEqual([303, 303])
  })
})

test('B1: what a browser does not open as a page gets 401, and leads nowhere', async ({ page }) => {
  await page.goto(`${origin}/guide`)
  await signIn(page)
  await page.waitForURL(`${origin}/guide`)
  await page.context().clearCookies()
  const network = watch(page, origin)

  expect(await fetchStatus(page, '/data')).toBe(401)
  await page.evaluate(async () => {
    const load = (element: HTMLImageElement | HTMLIFrameElement, src: string) =>
      new Promise((resolve) => {
        element.onload = element.onerror = resolve
        element.src = src
        document.body.append(element)
      })
    await load(document.createElement('img'), '/picture')
    await load(document.createElement('iframe'), '/frame')
    await new Promise((resolve) => {
      const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/socket`)
      socket.onclose = resolve
    })
  })
  expect(network.seen('/picture')).toEqual([401])
  expect(network.seen('/frame')).toEqual([401])

  await page.evaluate(() => {
    const form = document.createElement('form')
    form.method = 'post'
    form.action = '/form'
    document.body.append(form)
    form.submit()
  })
  await page.waitForURL(`${origin}/form`)
  expect(network.seen('/form')).toEqual([401])
  expect(network.seen('/login')).toEqual([])
})

test('the app takes no sign-in that another browser began, and leads to no other host', async ({
  page,
  browser,
}) => {
  await page.goto(`${origin}/login?return=${encodeURIComponent('//evil.example/')}`)
  await expect(formOfTheBridge(page)).toBeVisible()
  await signIn(page)
  await page.waitForURL(`${origin}/`)

  const other = await browser.newContext()
  const stranger = await other.newPage()
  const response = await stranger.goto(`${redirectUri}?code=x&state=y`)
  expect(response?.status()).toBe(400)
  await other.close()
})

test('B1: whoever signs in at the PWA is led on to what lies beside it', async ({ page }) => {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'handbook',
    redirect_uri: redirectUri,
    resource,
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  })
  const beside = `${PATHS.authorize}?${query.toString()}`
  const address = `/sign-in?${new URLSearchParams({ return: beside }).toString()}`
  await page.goto(address)
  await page.getByLabel('Login').fill(demo.login)
  await page.getByLabel('Password', { exact: true }).fill(demo.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => url.origin === origin && url.searchParams.has('code'))

  await test.step('and not when already signed in: such a page would send them in a circle', async () => {
    const network = watch(page, stack.issuer)
    await page.goto(address)
    await expect(page.getByRole('region', { name: 'Contacts', exact: true })).toBeVisible()
    expect(new URL(page.url()).pathname).toBe('/')
    expect(network.seen(PATHS.authorize)).toEqual([])
  })
})
