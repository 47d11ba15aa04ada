/** Flow B in WebKit: the bridge's own pages, and an app of another origin. */
import type { IncomingMessage, Server } from 'node:http'
import { join } from 'node:path'
import type { WebDriver } from 'selenium-webdriver'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack, type Account } from '../stack/description.ts'
import { ASKING_APP } from '../support/asking-app.ts'
import { odooSession } from '../support/odoo-session.ts'
import { makePerson } from '../support/people.ts'
import { serveApp } from '../support/serve-app.ts'
import { untilExpired } from '../support/tokens.ts'
import { expect, test } from './browser.ts'
import { fill, find, press, textOf } from './find.ts'
import { watch } from './watch.ts'

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const redirectUriOf = (id: string): string =>
  stack.clients.find(({ client_id }) => client_id === id)?.redirect_uris[0] ?? ''
const { origin } = new URL(redirectUriOf('other-app'))

let server: Server

test.beforeAll(async () => {
  const folder = join(import.meta.dirname, '../other-app')
  server = await serveApp(folder, origin, { API: api })
})
test.afterAll(() => {
  server.close()
  server.closeAllConnections()
})

async function signIn(driver: WebDriver, { login, password }: Account): Promise<void> {
  await find(driver, 'heading', 'Sign in with Odoo')
  await fill(driver, 'Login', login)
  await fill(driver, 'Password', password)
  await press(driver, 'Sign in')
}

test('B1–B7: another app signs in, calls the API, meets the expiry and goes on', async ({
  driver,
}) => {
  const { demo } = stack.accounts
  const call = () => press(driver, 'Call the API')
  await driver.get(origin)
  await call()
  await signIn(driver, { ...demo, password: 'not the password' })
  const alert = await find(driver, 'alert')
  expect(await alert.getText()).toBe('Wrong login or password.')
  await signIn(driver, demo)
  await expect.poll(() => textOf(driver)).toContain('signed in')
  await expect.poll(() => driver.getCurrentUrl()).toBe(redirectUriOf('other-app'))
  const network = await watch(driver)
  await call()
  await expect.poll(() => textOf(driver)).toMatch(/Marc Demo may see \d+ contacts/)
  await untilExpired(api, await network.lastBearer())
  await call()
  await expect.poll(() => network.statuses(PATHS.protectedData)).toEqual([200, 401, 200])
  expect(await network.statuses(PATHS.token)).toEqual([200])
})

test('B2: whoever is asked allows it or does not, and signs out', async ({ driver }) => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  const person = await makePerson(await odooSession(stack.accounts.admin))
  const begin = `${stack.issuer}${PATHS.authorize}?${new URLSearchParams({
    response_type: 'code',
    client_id: ASKING_APP,
    redirect_uri: redirectUriOf(ASKING_APP),
    scope: 'openid odoo.write',
    state: 'the state',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  }).toString()}`
  // Its server is asked, and not the browser: that may end a session that is asked anything while
  // it goes from one origin to another.
  const leadsTo = async (button: string): Promise<URLSearchParams> => {
    const asked = new Promise<URL>((resolve) => {
      server.on('request', ({ url = '' }: IncomingMessage) => {
        const address = new URL(url, origin)
        if (address.href.startsWith(`${redirectUriOf(ASKING_APP)}?`)) resolve(address)
      })
    })
    await press(driver, button)
    return (await asked).searchParams
  }
  await driver.get(begin)
  await signIn(driver, person)
  await find(driver, 'heading', 'Asking app asks for access')
  const refused = await leadsTo('Do not allow')
  expect(refused.get('error')).toBe('access_denied')
  await driver.get(begin)
  const allowed = await leadsTo('Allow')
  expect(allowed.get('code')).toBeTruthy()
  expect(allowed.get('iss')).toBe(stack.issuer)
  await driver.get(stack.issuer + PATHS.endSession)
  await press(driver, 'Sign out')
  await find(driver, 'heading', 'You are signed out.')
  expect(await driver.manage().getCookies()).toEqual([])
})
