import { expect, test, type Page } from 'playwright/test'
import { readStack, type RegisteredProvider } from './stack/description.ts'
import { odooSession } from './support/odoo-session.ts'
import { startOpenIdProvider, type OpenIdProvider } from './support/openid-provider.ts'
import { makePerson } from './support/people.ts'
import { contacts, openSignInPage, refreshCookie, signInPage } from './support/pwa.ts'

// Step B2's other way in: an account at somebody else's OpenID provider, which is a real one.

const stack = readStack()

const startProvider = (registered: RegisteredProvider): Promise<OpenIdProvider> =>
  startOpenIdProvider(
    [`${stack.issuer}/auth/continue/${registered.id}/callback`],
    registered.client_secret,
    Number(new URL(registered.issuer).port),
  )

const continueWith = (page: Page, name: string) =>
  page.getByRole('link', { name: `Continue with ${name}` })

const [example, another] = stack.providers
if (!example || !another) throw new Error('The stack knows no two providers.')

let provider: OpenIdProvider

test.beforeAll(async () => {
  provider = await startProvider(example)
})

test.afterAll(() => provider.stop())

/** Somebody whose login in Odoo is the e-mail address that the provider has verified. */
async function makeKnownPerson(): Promise<string> {
  const admin = await odooSession(stack.accounts.admin)
  const { uid, email } = await makePerson(admin)
  await admin.call('res.users', 'write', [[uid], { login: email }])
  provider.people.set(email, { sub: email, email, email_verified: true, amr: ['pwd'] })
  return email
}

async function signInUpstream(page: Page, account: string): Promise<void> {
  await page.getByLabel('Account').fill(account)
  await page.getByRole('button', { name: 'Allow' }).click()
}

test('from the sign-in page through the provider into the contacts, and out again', async ({
  page,
}) => {
  const email = await makeKnownPerson()
  await openSignInPage(page)
  await expect(continueWith(page, another.name), 'each has a link').toBeVisible()
  await continueWith(page, example.name).click()
  await expect(page.getByRole('heading', { name: 'Example identities' })).toBeVisible()
  expect(new URL(page.url()).origin).toBe(example.issuer)
  await signInUpstream(page, email)

  await expect(contacts(page).first()).toBeVisible()
  expect(page.url(), 'nothing of the way is left in the address').toBe(`${stack.issuer}/`)
  await expect(page.getByText(email).first()).toBeVisible()
  const cookies = await page.context().cookies(stack.issuer)
  expect(cookies.map(({ name }) => name)).not.toContain('drawbridge_continue')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(signInPage(page)).toBeVisible()
  // The page does not wait for the bridge to be told.
  await expect.poll(() => refreshCookie(page)).toBe('')
  await page.reload()
  await expect(signInPage(page), 'that the provider still knows them signs nobody in').toBeVisible()
})

test('an account that is nobody’s in Odoo is told whom to ask', async ({ page }) => {
  const email = 'nobody@example.com'
  provider.people.set(email, { sub: email, email, email_verified: true })
  await page.goto('/')
  await continueWith(page, example.name).click()
  await signInUpstream(page, email)
  await expect(page.getByRole('alert')).toContainText('Ask the people who run your Odoo')
  expect(await refreshCookie(page)).toBe('')
  await page.getByRole('link', { name: 'Try again' }).click()
  await expect(signInPage(page)).toBeVisible()
})

test('who turns back there, or finds nobody there, is where they were', async ({ page }) => {
  await page.goto('/')
  await continueWith(page, example.name).click()
  await page.getByRole('button', { name: 'Refuse' }).click()
  await expect(page.getByRole('alert')).toContainText('Nobody was signed in there')

  await page.goto('/')
  await continueWith(page, another.name).click()
  await expect(page.getByRole('alert')).toContainText('That provider does not answer')
  expect(await refreshCookie(page)).toBe('')
})

test('another app signs people in by it, too', async ({ page }) => {
  const email = await makeKnownPerson()
  const client = stack.clients[0]
  const redirectUri = client?.redirect_uris[0] ?? ''
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: client?.client_id ?? '',
    redirect_uri: redirectUri,
    state: 'the state',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  await page.route(`${redirectUri}*`, (route) => route.fulfill({ body: 'the other app' }))
  await page.goto(`/oauth/authorize?${request.toString()}`)
  await continueWith(page, example.name).click()
  await signInUpstream(page, email)
  await expect(page.getByText('the other app')).toBeVisible()
  const { searchParams } = new URL(page.url())
  expect(searchParams.get('state')).toBe('the state')
  expect(searchParams.get('iss')).toBe(stack.issuer)
  expect(searchParams.get('code')).toBeTruthy()
  expect(await refreshCookie(page), 'and the browser: other apps ask nobody again').not.toBe('')
})
