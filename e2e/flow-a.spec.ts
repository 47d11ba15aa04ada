import { expect, test, type Page, type Route } from 'playwright/test'
import { PATHS, type ErrorCode } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import {
  contacts,
  leaveExpiryToTheGate,
  openSignInPage,
  REFRESH_COOKIE,
  refreshCookie,
  reload,
  signInAtPwa,
  signInPage,
  signInToContacts,
} from './support/pwa.ts'
import { payloadOf, postAuth, signIn, untilExpired, withClaims } from './support/tokens.ts'

// Flow A (docs/flows.md), step by step, as the parts themselves tell it in demo mode; then what goes
// wrong at each step, and what its user sees of that. What the user sees of the rest is in pwa.spec.ts.

const stack = readStack()
const api = stack.issuer + PATHS.protectedData
const { demo } = stack.accounts

test.beforeEach(({ page }) => openSignInPage(page))

const alert = (page: Page) => page.getByRole('alert')

/** What the list says of its own state: it may be one that was kept on the device. */
const said = (page: Page, words: RegExp) =>
  page.getByRole('region', { name: 'Contacts', exact: true }).getByText(words)

/** Answers as the bridge does that cannot: to break Vault or Odoo here would break it for all. */
const refuse = (status: number, error: ErrorCode) => (route: Route) =>
  route.fulfill({ status, json: { error }, headers: { 'Retry-After': '5' } })

/** What each answer at a path told of its making. @see docs/demo-mode.md */
function listen(page: Page): (path: string) => { status: number; timing: string }[] {
  const answers: { path: string; status: number; timing: string }[] = []
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    const timing = response.headers()['server-timing'] ?? ''
    answers.push({ path: pathname, status: response.status(), timing })
  })
  return (path) => answers.filter((answer) => answer.path === path)
}

test('from the sign-in to the retry', async ({ page }) => {
  const told = listen(page)
  const network = watch(page, stack.issuer)
  await signInToContacts(page, demo)
  await leaveExpiryToTheGate(page)
  const first = network.lastBearer()
  const cookie = await refreshCookie(page)
  await untilExpired(api, first)
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([200, 401, 200])
  const [login] = told(PATHS.login)
  const [passed, refused, retried] = told(PATHS.protectedData)
  const [refreshed] = told(PATHS.refresh)
  const second = network.lastBearer()

  await test.step('A1, A1.1: the signing key comes from Vault', () => {
    expect(login?.timing).toMatch(/vault;desc="(read|export)_key@/)
  })
  await test.step('A2, A3: Odoo knows who it is, and the tokens are made and returned', () => {
    expect(login?.timing).toMatch(/odoo;desc="\w+@/)
    expect(login?.timing).toMatch(/bridge;desc="sign_access_token\.(memory|vault|shared)@/)
    const { exp, iat } = payloadOf(first) as { exp: number; iat: number }
    expect(exp - iat).toBe(stack.accessTokenTtl)
  })
  await test.step('A4: the page has the one, the cookie the other, and neither has both', () => {
    expect(cookie).not.toBe('')
    expect(payloadOf(cookie)).toMatchObject({ sid: payloadOf(first)['sid'] })
  })
  await test.step('A5, A6, A6.1: the call shows the token, and the gate says Valid', () => {
    const [call] = network.requests(PATHS.protectedData)
    expect(call?.headers()['authorization']).toBe(`Bearer ${first}`)
    expect(passed?.timing).toMatch(/^gate;desc="valid@/)
  })
  await test.step('A7, A7.1, A7.1.1, A7.2: it goes on to the bridge, and Odoo gives the data', () => {
    expect(passed?.timing).toContain('upstream;dur=')
    expect(passed?.timing).toMatch(/odoo;desc="\w+@/)
    expect(passed?.status).toBe(200)
  })
  await test.step('A8, A8.1: it has expired: the gate says so by itself, and nobody else is asked', () => {
    expect(refused?.status).toBe(401)
    expect(refused?.timing).toMatch(/^gate;desc="expired@[^,]*$/)
  })
  await test.step('A8.2, A9, A10: the page refreshes once, and the bridge checks the session', () => {
    expect(told(PATHS.refresh)).toHaveLength(1)
    expect(refreshed?.status).toBe(200)
    expect(refreshed?.timing).toMatch(/store;desc="rotate@/)
  })
  await test.step('A11, A11.1, A11.2: with a key at hand both tokens are made anew', () => {
    expect(refreshed?.timing).toMatch(/bridge;desc="sign_access_token\.(memory|vault|shared)@/)
    expect(second).not.toBe(first)
    expect(payloadOf(second)['sid']).toBe(payloadOf(first)['sid'])
  })
  await test.step('A11.3, A11.4: they take the place of those before', async () => {
    const after = await refreshCookie(page)
    expect(payloadOf(after)['gen']).toBe(Number(payloadOf(cookie)['gen']) + 1)
  })
  await test.step('A11.5: the same request again, with the new token', () => {
    const [, before, again] = network.requests(PATHS.protectedData)
    expect(again?.url()).toBe(before?.url())
    expect(again?.headers()['authorization']).toBe(`Bearer ${second}`)
    expect(retried?.timing).toMatch(/^gate;desc="valid@/)
  })
})

for (const [what, status, code, words] of [
  ['A1: no signing key', 503, 'keys_unavailable', 'Sign-in is out of service for a moment'],
  ['A2: Odoo does not answer', 503, 'odoo_unavailable', 'Your password may well be right'],
  ['A2: too many attempts', 429, 'too_many_attempts', 'Too many failed attempts'],
  ['A3: the bridge fails', 500, 'server_error', 'Try again'],
] as const) {
  test(`${what}: said in words, what was typed stays, and then it goes on`, async ({ page }) => {
    await page.route(PATHS.login, refuse(status, code), { times: 1 })
    await signInAtPwa(page, demo)
    await expect(alert(page)).toContainText(words)
    await expect(page.getByLabel('Login')).toHaveValue(demo.login)
    await expect(page.getByLabel('Password', { exact: true })).toHaveValue(demo.password)
    expect(await refreshCookie(page)).toBe('')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(contacts(page).first()).toBeVisible()
  })
}

test('A3: no answer to the sign-in: said in words, and then it goes on', async ({ page }) => {
  await page.route(PATHS.login, (route) => route.abort('connectionreset'), { times: 1 })
  await signInAtPwa(page, demo)
  await expect(alert(page)).toContainText('The server does not answer')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(contacts(page).first()).toBeVisible()
})

for (const [what, answer, words] of [
  ['A5: no network', (route: Route) => route.abort('internetdisconnected'), /does not answer/],
  ['A7.1: what lies behind the gate fails', refuse(503, 'odoo_unavailable'), /Odoo does not/],
  [
    'A7.1: nothing lies behind the gate',
    (route: Route) => route.fulfill({ status: 502 }),
    /The server does not/,
  ],
  [
    'A7.1.1: an answer of something else',
    (route: Route) => route.fulfill({ body: '<p>' }),
    /Something went wrong/,
  ],
  ['A8.1: not allowed', refuse(403, 'insufficient_scope'), /does not allow/],
] as const) {
  test(`${what}: said in words, what is there stays, nobody is signed out`, async ({ page }) => {
    await signInToContacts(page, demo)
    const network = watch(page, stack.issuer)
    await page.route(PATHS.protectedData, answer, { times: 1 })
    await reload(page)
    await expect(said(page, words)).toBeVisible()
    await expect(contacts(page).first()).toBeVisible()
    expect(network.seen(PATHS.refresh), 'no reason to refresh').toEqual([])
    await reload(page)
    await expect(said(page, words)).toHaveCount(0)
    await expect(contacts(page).first()).toBeVisible()
  })
}

test('A8.1, A8.2: an invalid token is refused, renewed, and the request goes through', async ({
  page,
}) => {
  await signInToContacts(page, demo)
  const network = watch(page, stack.issuer)
  let challenge = ''
  await page.route(
    PATHS.protectedData,
    async (route) => {
      const headers = route.request().headers()
      const token = headers['authorization']?.slice('Bearer '.length) ?? ''
      const forged = withClaims(token, { sub: '2' })
      const response = await route.fetch({
        headers: { ...headers, authorization: `Bearer ${forged}` },
      })
      challenge = response.headers()['www-authenticate'] ?? ''
      await route.fulfill({ response })
    },
    { times: 1 },
  )
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData)).toEqual([401, 200])
  expect(challenge).toContain('error="invalid_token"')
  expect(challenge).not.toContain('expired')
  expect(network.seen(PATHS.refresh)).toEqual([200])
})

test('A8.2: refused again after the refresh: no third time, and nobody is signed out', async ({
  page,
}) => {
  await signInToContacts(page, demo)
  const network = watch(page, stack.issuer)
  await page.route(PATHS.protectedData, refuse(401, 'invalid_token'))
  await reload(page)
  await expect(alert(page)).toBeVisible()
  expect(network.seen(PATHS.protectedData)).toEqual([401, 401])
  expect(network.seen(PATHS.refresh)).toEqual([200])
  await page.unroute(PATHS.protectedData)
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(alert(page)).toHaveCount(0)
})

test('A9: who has the cookie alone, from another site or as another type, gets nothing', async () => {
  const { cookie } = await signIn(demo)
  const ask = (headers: Record<string, string>, body = '{}') =>
    fetch(stack.issuer + PATHS.refresh, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: cookie, ...headers },
      body,
    })
  const refused = await Promise.all([
    ask({ 'Sec-Fetch-Site': 'cross-site' }),
    ask({ 'Sec-Fetch-Site': 'same-site' }),
    ask({ Origin: 'https://elsewhere.example' }),
    ask({}),
    ask({ 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'text/plain' }),
  ])
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 415])
  for (const answer of refused) expect(answer.headers.getSetCookie()).toEqual([])
  const good = await postAuth(PATHS.refresh, {}, cookie)
  expect(good.status, 'and it was not used up').toBe(200)
})

/** Lets the token expire, so that the next call has to refresh. */
async function expire(page: Page): Promise<void> {
  const network = watch(page, stack.issuer)
  await leaveExpiryToTheGate(page)
  await reload(page)
  await expect.poll(() => network.seen(PATHS.protectedData).at(-1)).toBe(200)
  await untilExpired(api, network.lastBearer())
}

for (const [what, answer, words] of [
  ['A10: Odoo cannot be asked', refuse(503, 'odoo_unavailable'), /Odoo does not/],
  ['A11.1: no signing key', refuse(503, 'keys_unavailable'), /keys_unavailable/],
  ['A11.3: the answer is lost', (route: Route) => lose(route), /The server does not/],
] as const) {
  test(`${what}: nobody is signed out, and the next request goes through`, async ({ page }) => {
    await signInToContacts(page, demo)
    await expire(page)
    await page.route(PATHS.refresh, answer, { times: 1 })
    await reload(page)
    await expect(said(page, words)).toBeVisible()
    await expect(contacts(page).first()).toBeVisible()
    await reload(page)
    await expect(said(page, words)).toHaveCount(0)
    await expect(contacts(page).first()).toBeVisible()
  })
}

/** The bridge has acted; nobody learns of it. */
async function lose(route: Route): Promise<void> {
  await route.fetch()
  await route.abort('connectionreset')
}

test('A11.5: a change that met the expiry is made once', async ({ page }) => {
  await signInToContacts(page, demo)
  await leaveExpiryToTheGate(page)
  const network = watch(page, stack.issuer)
  await contacts(page).first().getByRole('link').first().click()
  const sheet = page.getByRole('dialog')
  await sheet.getByRole('button', { name: 'Edit' }).click()
  const phone = `+32 2 ${Date.now() % 1_000_000}`
  await sheet.getByLabel('Phone').fill(phone)
  const path = `${PATHS.contacts}/${new URL(page.url()).searchParams.get('contact') ?? ''}`
  let refused = 0
  await page.route(`**${path}**`, async (route) => {
    if (route.request().method() !== 'PATCH' || refused > 0) return route.fallback()
    refused++
    await untilExpired(
      api,
      route.request().headers()['authorization']?.slice('Bearer '.length) ?? '',
    )
    // As it was sent, with what is no longer good.
    await route.continue()
  })
  const refreshes = network.seen(PATHS.refresh)
  await sheet.getByRole('button', { name: 'Save' }).click()
  await expect(sheet.getByRole('status')).toHaveText('Saved in Odoo.', { timeout: 15_000 })
  const patches = network.requests(path).filter((request) => request.method() === 'PATCH')
  expect(patches.map((request) => request.postDataJSON() as unknown)).toEqual([
    { phone },
    { phone },
  ])
  expect(network.seen(PATHS.refresh)).toEqual([...refreshes, 200])
})

/** Puts something else into the cookie of the refresh token. */
async function setCookie(page: Page, change: (value: string) => string): Promise<void> {
  const context = page.context()
  const before = (await context.cookies(stack.issuer)).find(({ name }) => name === REFRESH_COOKIE)
  if (before === undefined) throw new Error('There is no refresh cookie.')
  await context.addCookies([{ ...before, value: change(before.value) }])
}

const inAWhile = (): number => Math.floor(Date.now() / 1000) + 9999

const SPOILT: Record<string, (page: Page) => Promise<void>> = {
  'is gone': (page) => page.context().clearCookies(),
  'is forged': (page) => setCookie(page, (token) => withClaims(token, { exp: inAWhile() })),
  'is an access token': async (page) => {
    const { accessToken } = await signIn(demo)
    await setCookie(page, () => accessToken)
  },
}

for (const [what, spoil] of Object.entries(SPOILT)) {
  test(`A12.1, A12.2: the refresh token ${what}: signed out, until somebody signs in`, async ({
    page,
  }) => {
    await signInToContacts(page, demo)
    await expire(page)
    await spoil(page)
    await reload(page)
    await expect(signInPage(page)).toBeVisible()
    await expect(page.getByText('Your session is over.')).toBeVisible()
    expect(await refreshCookie(page)).toBe('')
    await signInToContacts(page, demo)
  })
}
