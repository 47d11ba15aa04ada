import { expect, test, type Browser, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession, type OdooSession } from './support/odoo-session.ts'
import { makePerson, recordOf, type Person } from './support/people.ts'
import { signInAtPwa } from './support/pwa.ts'
import { signIn as signInElsewhere } from './support/tokens.ts'
import { englishIn, tooLongIn, translator, type Translated } from './support/translations.ts'

// The PWA speaks the language of the Odoo user, and before anybody has signed in the browser's.

const stack = readStack()
const LANGUAGES = { de: 'de_DE', es: 'es_ES', fr: 'fr_FR' } as const
const ALL = Object.keys(LANGUAGES) as Translated[]
const PHONE = { width: 360, height: 740 }
const DESKTOP = { width: 1280, height: 800 }

let admin: OdooSession

test.beforeAll(async () => {
  // Odoo loads what makes people when it is asked first.
  test.slow()
  admin = await odooSession(stack.accounts.admin)
  const codes = [['code', 'in', [...Object.values(LANGUAGES), 'nl_BE']]]
  const inactive = { active_test: false }
  const ids = await admin.call('res.lang', 'search', [codes], inactive)
  await admin.call('res.lang', 'write', [ids, { active: true }])
})

/** Somebody of this language, who may change contacts. */
async function speaking(lang: string): Promise<Person> {
  const person = await makePerson(admin)
  const group_ids = [[4, await recordOf(admin, 'base.group_partner_manager')]]
  await admin.call('res.users', 'write', [[person.uid], { lang, group_ids }])
  return person
}

const openIn = async (browser: Browser, locale: string): Promise<Page> => {
  const page = await (await browser.newContext({ baseURL: stack.issuer, locale })).newPage()
  await page.goto('/')
  return page
}

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const html = (page: Page) => page.locator('html')

async function signInIn(page: Page, language: Translated, person: Person): Promise<void> {
  const t = translator(language)
  await page.getByLabel(t('Login')).fill(person.login)
  await page.getByLabel(t('Password'), { exact: true }).fill(person.password)
  await page.getByRole('button', { name: t('Sign in'), exact: true }).click()
}

/** What can be seen now is in this language, fits, and stands in nobody's way. */
async function expectWellSaid(page: Page, language: Translated): Promise<void> {
  await expect(html(page)).toHaveAttribute('lang', language)
  for (const viewport of [PHONE, DESKTOP]) {
    await page.setViewportSize(viewport)
    expect(await tooLongIn(page)).toEqual([])
    expect(await obstaclesIn(page)).toEqual([])
  }
  expect(await englishIn(page, language)).toEqual([])
}

for (const language of ALL) {
  const t = translator(language)

  test(`${language}: whoever is not signed in reads the browser’s language`, async ({
    browser,
  }) => {
    const page = await openIn(browser, `${language}-BE`)
    await expect(heading(page, t('Sign in'))).toBeVisible()
    await expect(page).toHaveTitle(`${t('Sign in')} · Drawbridge`)
    await expectWellSaid(page, language)

    // Not the bridge's own: it counts whoever is wrong.
    const json = { error: 'invalid_credentials' }
    await page.route(`**${PATHS.login}`, (route) => route.fulfill({ status: 401, json }))
    await page.getByLabel(t('Login')).fill('nobody')
    await page.getByLabel(t('Password'), { exact: true }).fill('wrong')
    await page.getByRole('button', { name: t('Sign in'), exact: true }).click()
    const wrong = t('Wrong login or password. Check both and try again.')
    await expect(page.getByRole('alert')).toHaveText(wrong)
    await expectWellSaid(page, language)
    expect(await page.evaluate(() => localStorage.length)).toBe(0)
  })

  test(`${language}: an Odoo user has all of the app in their language`, async ({ page }) => {
    test.slow()
    const person = await speaking(LANGUAGES[language])
    await page.goto('/')
    await signInAtPwa(page, person)
    await expect(heading(page, t('Contacts'))).toBeVisible()
    await expect(page).toHaveTitle(`${t('Contacts')} · Drawbridge`)
    await expectWellSaid(page, language)

    await test.step('a search', async () => {
      await page.getByRole('searchbox', { name: t('Search contacts') }).fill('xyzzy')
      await expect(heading(page, t('Nothing found'))).toBeVisible()
      await expectWellSaid(page, language)
      await page.getByRole('searchbox').fill(person.login)
      await expect(page.getByText(t('{} found', '1'))).toBeVisible()
      await expectWellSaid(page, language)
    })

    await test.step('a contact', async () => {
      await page.getByRole('link', { name: person.login, exact: true }).click()
      await expect(page.getByText(t('E-mail'), { exact: true })).toBeVisible()
      await expectWellSaid(page, language)
      await page.getByRole('button', { name: t('Edit') }).click()
      await expect(page.getByRole('button', { name: t('Save') })).toBeVisible()
      await expectWellSaid(page, language)
      await page.getByRole('button', { name: t('Close'), exact: true }).click()
    })

    await test.step('devices and apps', async () => {
      await signInElsewhere(person)
      await page.getByRole('link', { name: t('Devices') }).click()
      await expect(page.getByText(t('This device'))).toBeVisible()
      await expect(page.getByText(t('{} on {}', 'Chrome', 'Linux'))).toBeVisible()
      await expect(page.getByText(t('Unknown device'))).toBeVisible()
      const other = page.getByRole('button', { name: t('Sign out the other device') })
      await expect(other).toBeVisible()
      await expectWellSaid(page, language)
    })

    await test.step('the other device is signed out', async () => {
      await page.getByRole('button', { name: t('Sign out {}', t('Unknown device')) }).click()
      await expect(page.getByText(t('{} is signed out.', t('Unknown device')))).toBeVisible()
      await expectWellSaid(page, language)
    })

    await test.step('what went wrong', async () => {
      await page.getByRole('link', { name: t('Contacts') }).click()
      await page.route(`**${PATHS.protectedData}*`, (route) => route.abort())
      await page.getByRole('searchbox').fill('')
      // What was kept is shown in its place.
      await expect(page.getByText(t('The server does not answer.'))).toBeVisible()
      await expectWellSaid(page, language)
      await page.unroute(`**${PATHS.protectedData}*`)
      const json = { error: 'insufficient_scope' }
      await page.route(`**${PATHS.protectedData}*`, (route) => route.fulfill({ status: 403, json }))
      await page.getByRole('button', { name: t('Reload') }).click()
      await expect(heading(page, t('The contacts could not be loaded'))).toBeVisible()
      const refused = t('This sign-in does not allow to read contacts.')
      await expect(page.getByRole('alert')).toContainText(refused)
      await expectWellSaid(page, language)
      await page.unroute(`**${PATHS.protectedData}*`)
    })

    await test.step('it is remembered, as a language and nothing else', async () => {
      await page.setViewportSize(DESKTOP)
      await page.getByRole('button', { name: t('Sign out') }).click()
      await expect(page.getByText(t('You are signed out.'))).toBeVisible()
      await expectWellSaid(page, language)
      expect(await page.evaluate(() => localStorage.getItem('drawbridge-language'))).toBe(
        LANGUAGES[language].replace('_', '-'),
      )
      await page.reload()
      await expect(heading(page, t('Sign in'))).toBeVisible()
      await expectWellSaid(page, language)
    })
  })
}

test('who comes back never sees another language first', async ({ page }) => {
  const person = await speaking('fr_FR')
  await page.goto('/')
  await signInAtPwa(page, person)
  await expect(heading(page, translator('fr')('Contacts'))).toBeVisible()
  await expect(html(page)).toHaveAttribute('lang', 'fr')
  await page.addInitScript(() => {
    const said: string[] = []
    Object.assign(globalThis, { said })
    new MutationObserver(() => {
      for (const text of document.querySelectorAll(
        'drawbridge-app :is(h1, [role=status], button)',
      )) {
        said.push(text.textContent.trim())
      }
    }).observe(document, { childList: true, subtree: true, characterData: true })
  })
  await page.reload()
  await expect(page.getByRole('listitem').first()).toBeVisible()
  const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said)
  expect(said).toContain(translator('fr')('Opening…'))
  for (const english of ['Opening…', 'Reload', 'Sign out', 'Loading contacts…']) {
    expect(said).not.toContain(english)
  }
})

test('for a language that there is not, English', async ({ browser }) => {
  const page = await openIn(browser, 'it-IT')
  await expect(heading(page, 'Sign in')).toBeVisible()
  await expect(html(page)).toHaveAttribute('lang', 'en')

  const german = await openIn(browser, 'de-DE')
  await signInIn(german, 'de', await speaking('nl_BE'))
  await expect(heading(german, 'Contacts')).toBeVisible()
  await expect(html(german)).toHaveAttribute('lang', 'en')
})

test('a language’s file that cannot be had is no obstacle', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: stack.issuer, locale: 'de-DE' })
  const page = await context.newPage()
  const asked = page.waitForRequest('**/assets/de-*.js')
  await page.route('**/assets/de-*.js', (route) => route.abort())
  await page.goto('/')
  await asked
  await expect(heading(page, 'Sign in')).toBeVisible()
  await expect(html(page)).toHaveAttribute('lang', 'en')
  await expect(page.getByRole('alert')).toHaveText('')
})

test('one who reads English loads no other language', async ({ page }) => {
  const files: string[] = []
  page.on('request', (request) => {
    // What the service worker keeps for later is no part of it.
    if (request.serviceWorker() === null) files.push(new URL(request.url()).pathname)
  })
  await page.goto('/')
  await signInAtPwa(page, stack.accounts.demo)
  await expect(page.getByRole('listitem').first()).toBeVisible()
  expect(files.filter((path) => /\/(de|es|fr)-[^/]*\.js$/.test(path))).toEqual([])
})
