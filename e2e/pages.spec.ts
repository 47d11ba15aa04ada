import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { ASKING_APP, NATIVE_CALLBACK } from './support/asking-app.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession } from './support/odoo-session.ts'
import { enableTotp } from './support/odoo-web.ts'
import { makePerson, type Person } from './support/people.ts'
import { REFRESH_COOKIE } from './support/pwa.ts'

// The bridge's own pages: for everybody, under their policy, with nothing but HTML and CSS.

const stack = readStack()
const redirectUri =
  stack.clients.find(({ client_id }) => client_id === ASKING_APP)?.redirect_uris[0] ?? ''

const requestUrl = (change: Record<string, string> = {}): string => {
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: ASKING_APP,
    redirect_uri: redirectUri,
    scope: 'openid profile email odoo.write offline_access',
    state: 'the state',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
    // Whatever was allowed before.
    prompt: 'consent',
    ...change,
  })
  return `${PATHS.authorize}?${parameters.toString()}`
}

let person: Person
let careful: Person

test.beforeAll(async () => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  const admin = await odooSession(stack.accounts.admin)
  person = await makePerson(admin)
  careful = await makePerson(admin)
  await enableTotp(await odooSession(careful), careful)
})

const heading = (page: Page, name: string) => page.getByRole('heading', { name })
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

async function fillIn(page: Page, { login, password }: Pick<Person, 'login' | 'password'>) {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
}

/** All that the browser complains of, the page's policy above all. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    // A refusal is a page like any other.
    if (!message.text().startsWith('Failed to load resource')) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

/** Leads through every page. @param look at the one that is shown */
async function visitAll(page: Page, look: (name: string) => Promise<void>): Promise<void> {
  await page.goto(requestUrl())
  await expect(heading(page, 'Sign in with Odoo')).toBeVisible()
  await look('sign-in')
  await fillIn(page, { ...person, password: 'not the password' })
  await expect(page.getByRole('alert')).toHaveText('Wrong login or password.')
  await look('wrong password')
  await fillIn(page, careful)
  await expect(page.getByLabel('Code')).toBeFocused()
  await look('second factor')
  await page.goto(requestUrl())
  await fillIn(page, person)
  await expect(heading(page, 'Asking app asks for access')).toBeVisible()
  await expect(page.getByText(`You are signed in as ${person.login}.`)).toBeVisible()
  await look('consent')
  await page.goto(PATHS.endSession)
  await expect(heading(page, 'Sign out?')).toBeVisible()
  await look('sign-out')
  await press(page, 'Sign out')
  await expect(heading(page, 'You are signed out.')).toBeVisible()
  await look('signed out')
  await page.goto(requestUrl({ client_id: 'nobody' }))
  await expect(heading(page, 'This link does not work')).toBeVisible()
  await look('a link that does not work')
  await page.goto('/auth/continue/nobody')
  await expect(heading(page, 'That did not work')).toBeVisible()
  await look('problem')
}

const PHONE = { width: 360, height: 740 }
const DESKTOP = { width: 1280, height: 800 }

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [PHONE, DESKTOP]) {
    test.describe(`${colorScheme}, ${viewport.width} pixels wide`, () => {
      test.use({ colorScheme, viewport })

      test('nothing stands in the way of anybody, and each page keeps to its policy', async ({
        page,
      }) => {
        test.slow()
        const complaints = complaintsOf(page)
        await visitAll(page, async (name) => {
          expect.soft(await obstaclesIn(page), name).toEqual([])
          const wider = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          )
          expect.soft(wider, `${name}: nothing is wider than the page`).toBe(0)
        })
        expect(complaints).toEqual([])
      })
    })
  }
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })

  test('people sign in, allow, deny and sign out', async ({ page }) => {
    await page.route(`${redirectUri}*`, (route) => route.fulfill({ body: 'the app' }))
    const complaints = complaintsOf(page)
    const answer = async () => {
      await expect(page.getByText('the app')).toBeVisible()
      return new URL(page.url()).searchParams
    }
    await page.goto(requestUrl())
    await fillIn(page, person)
    await press(page, 'Do not allow')
    expect((await answer()).get('error')).toBe('access_denied')
    await page.goto(requestUrl())
    await expect(page.getByText(`You are signed in as ${person.login}.`)).toBeVisible()
    await press(page, 'Allow')
    const parameters = await answer()
    expect(parameters.get('code')).toBeTruthy()
    expect(parameters.get('state')).toBe('the state')
    expect(parameters.get('iss')).toBe(stack.issuer)
    await page.goto(PATHS.endSession)
    await press(page, 'Sign out')
    await expect(heading(page, 'You are signed out.')).toBeVisible()
    expect(await page.context().cookies(stack.issuer)).toEqual([])
    expect(complaints).toEqual([])
  })
})

test('by keyboard alone: in order, in sight, and what is wrong is announced', async ({ page }) => {
  await page.goto(requestUrl())
  const [login, password] = [page.getByLabel('Login'), page.getByLabel('Password')]
  const visiblyFocused = async (locator: ReturnType<Page['getByLabel']>) => {
    await expect(locator).toBeFocused()
    await expect(locator).toHaveCSS('outline-style', 'solid')
  }
  await visiblyFocused(login)
  await page.keyboard.type(person.login)
  await page.keyboard.press('Tab')
  await visiblyFocused(password)
  await page.keyboard.press('Tab')
  await visiblyFocused(page.getByRole('checkbox', { name: 'This is a shared computer' }))
  await page.keyboard.press('Tab')
  await visiblyFocused(page.getByRole('button', { name: 'Sign in' }))
  for (const link of await page.getByRole('link').all()) {
    await page.keyboard.press('Tab')
    await visiblyFocused(link)
  }
  await expect(login).toHaveAttribute('autocomplete', 'username')
  await expect(password).toHaveAttribute('autocomplete', 'current-password')

  await password.focus()
  await page.keyboard.type('not the password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toHaveText('Wrong login or password.')
  await visiblyFocused(password)
  await expect(login).toHaveValue(person.login)
  await page.keyboard.type(person.password)
  await page.keyboard.press('Enter')
  await expect(heading(page, 'Asking app asks for access')).toBeVisible()
  await page.keyboard.press('Tab')
  await visiblyFocused(page.getByRole('button', { name: 'Allow', exact: true }))
  await page.keyboard.press('Tab')
  await visiblyFocused(page.getByRole('button', { name: 'Do not allow' }))

  await page.context().clearCookies()
  await page.goto(requestUrl())
  await fillIn(page, careful)
  const code = page.getByLabel('Code')
  await visiblyFocused(code)
  await expect(code).toHaveAttribute('autocomplete', 'one-time-code')
  await expect(code).toHaveAttribute('inputmode', 'numeric')
  await page.keyboard.type('000000')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('The code is wrong')
  await visiblyFocused(code)
})

test('whoever says that the computer is a shared one is at one in the PWA, too', async ({
  page,
}) => {
  const guest = await makePerson(await odooSession(stack.accounts.admin))
  const code = await enableTotp(await odooSession(guest), guest)
  await page.goto(requestUrl())
  const link = page.getByRole('link', { name: 'Continue with Odoo' })
  await expect(link).not.toHaveAttribute('href', /persistent/)
  await page.getByRole('checkbox', { name: 'This is a shared computer' }).check()
  await expect(link).toHaveAttribute('href', /&persistent=false$/)
  await fillIn(page, guest)
  await page.getByLabel('Code').fill(code(1))
  await press(page, 'Sign in')
  await expect(heading(page, 'Asking app asks for access')).toBeVisible()
  const cookies = await page.context().cookies(stack.issuer)
  expect(cookies.find(({ name }) => name === REFRESH_COOKIE)?.expires).toBe(-1)
  await page.goto('/account')
  await expect(page.getByText('You said that this is a shared computer')).toBeVisible()
})

for (const [locale, title, submit] of [
  ['en-GB', 'Sign in with Odoo', 'Sign in'],
  ['fr-BE', 'Se connecter avec Odoo', 'Se connecter'],
  ['de-AT', 'Mit Odoo anmelden', 'Anmelden'],
  ['es-MX', 'Iniciar sesión con Odoo', 'Iniciar sesión'],
] as const) {
  test.describe(locale, () => {
    test.use({ locale, viewport: PHONE })

    test('the page is in the language of its reader, and says so', async ({ page }) => {
      const response = await page.goto(requestUrl())
      const lang = locale.slice(0, 2)
      await expect(page.locator('html')).toHaveAttribute('lang', lang)
      expect(response?.headers()['content-language']).toBe(lang)
      await expect(heading(page, title)).toBeVisible()
      await expect(page.getByRole('button', { name: submit })).toBeVisible()
      expect(await obstaclesIn(page)).toEqual([])
    })
  })
}

test('the browser follows the form to the scheme of a native app', async ({ page }) => {
  const complaints = complaintsOf(page)
  await page.goto(requestUrl({ redirect_uri: NATIVE_CALLBACK }))
  await fillIn(page, person)
  await expect(heading(page, 'Asking app asks for access')).toBeVisible()
  const answered = page.waitForResponse((response) => response.status() === 303)
  await press(page, 'Allow')
  const { location = '' } = (await answered).headers()
  expect(location.startsWith(`${NATIVE_CALLBACK}?code=`)).toBe(true)
  const { searchParams } = new URL(location)
  expect(searchParams.get('state')).toBe('the state')
  expect(searchParams.get('iss')).toBe(stack.issuer)
  // No program takes the scheme here, so the page stays; the policy would have said so.
  await page.goto(requestUrl())
  expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([])
})
