/** Leads through every screen of the PWA, in all the states that a person may meet. */
import { expect, type Page, type Route } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import type { Account } from '../stack/description.ts'
import { contacts, signInAtPwa, signInPage, signInToContacts } from './pwa.ts'

/**
 * @param base path of the app, with a slash at its end
 * @param person who signs in
 * @param look at the screen that is shown
 */
export async function tour(
  page: Page,
  base: string,
  person: Account,
  look: (name: string) => Promise<void>,
): Promise<void> {
  const refresh = `**${PATHS.refresh}`
  const answer = Promise.withResolvers<undefined>()
  const holdOnce = async (route: Route): Promise<void> => {
    await answer.promise
    await route.continue()
  }
  await page.route(refresh, holdOnce, { times: 1 })
  await page.goto(base)
  await expect(page.locator('drawbridge-app .splash')).toBeVisible()
  await look('splash')
  answer.resolve(undefined)

  await expect(signInPage(page)).toBeVisible()
  await look('sign-in')
  await signInAtPwa(page, { ...person, password: 'not the password' })
  await expect(page.getByRole('alert')).toContainText('Wrong login or password')
  await look('wrong password')
  const askForCode = (route: Route): Promise<void> =>
    route.fulfill({ status: 401, json: { error: 'mfa_required' } })
  await page.route(`**${PATHS.login}`, askForCode, { times: 1 })
  await signInAtPwa(page, person)
  await expect(page.getByLabel('Code')).toBeFocused()
  await look('second factor')
  await page.getByRole('button', { name: 'Sign in with another account' }).click()
  await signInToContacts(page, person)
  await look('contacts')

  await contacts(page).getByRole('link').first().click()
  const sheet = page.locator('drawbridge-contact')
  await expect(sheet.getByRole('heading')).toBeVisible()
  await look('contact')
  await sheet.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('searchbox').fill('nobody at all has such a name')
  await expect(page.getByText('Nothing found')).toBeVisible()
  await look('nothing found')

  for (const name of ['Devices', 'Steps']) {
    const link = page.getByRole('link', { name, exact: true })
    await link.click()
    await expect(link).toHaveAttribute('aria-current', 'page')
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
    await look(name)
  }

  await page.evaluate(() => {
    document.querySelector('drawbridge-update-prompt')?.toggleAttribute('open', true)
  })
  await expect(page.getByText('A new version is ready.')).toBeVisible()
  await look('update prompt')
  await page.getByRole('button', { name: 'Later' }).click()

  await page.getByRole('link', { name: 'Contacts', exact: true }).click()
  await page.route(refresh, (route) => route.fulfill({ status: 502, body: '' }))
  await page.reload()
  await expect(page.getByText('kept on this device')).toBeVisible()
  await look('offline')
  await page.evaluate(() => {
    localStorage.removeItem('drawbridge-offline')
  })
  await page.reload()
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible()
  await look('unreachable')
  await page.unroute(refresh)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page.getByText('You are signed out.')).toBeVisible()
  await look('signed out')
}

/** The sizes and colours that each of them is looked at in. */
export const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [
    { width: 360, height: 740 },
    { width: 1280, height: 800 },
  ].map((viewport) => ({ colorScheme, viewport })),
)
