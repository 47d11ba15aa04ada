/** Odoo's own pages, as somebody at a browser uses them. */
import { expect, type Page } from 'playwright/test'
import { readStack, type Account } from '../stack/description.ts'
import { authenticatorApp } from './authenticator-app.ts'
import type { OdooSession } from './odoo-session.ts'
import { callAndConfirm, type Person } from './people.ts'

/**
 * Opens Odoo's sign-in page and fills it in; where it leads to is for the caller to see.
 * @param code of the second factor, where one is due
 */
export async function signInToOdoo(
  page: Page,
  { login, password }: Account,
  code?: string,
): Promise<void> {
  await page.goto(`${readStack().odooUrl}/web/login`)
  await fillInOdooLogin(page, { login, password }, code)
}

/** Fills in Odoo's sign-in page, which must be shown: also where something else led to it. */
export async function fillInOdooLogin(
  page: Page,
  { login, password }: Account,
  code?: string,
): Promise<void> {
  await page.getByLabel('Email').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  if (code === undefined) return
  await page.getByLabel('Authentication Code').fill(code)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

/** Signs in on Odoo's sign-in page, which must be shown, by a passkey that this browser holds. */
export const useOdooPasskey = (page: Page): Promise<void> =>
  // The link stands there before the script that makes it do something.
  expect(async () => {
    const asked = page.waitForRequest('**/auth/passkey/start-auth', { timeout: 500 })
    await Promise.all([asked, page.getByText('Use a Passkey').click()])
  }).toPass({ timeout: 10_000 })

/** Waits for Odoo's web client, which internal users come to. */
export const untilInOdoo = (page: Page): Promise<void> => page.waitForURL(/\/odoo(\/|\?|$)/)

/** Who this browser is signed in to Odoo as; null for nobody. Odoo's page must be open. */
export async function odooUidOf(page: Page): Promise<number | null> {
  // From within the page: only the browser finds odoo.localhost.
  return page.evaluate(async () => {
    const response = await fetch('/web/session/get_session_info', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"jsonrpc":"2.0","params":{}}',
    })
    const answer = (await response.json()) as { result?: { uid: number | null } }
    return answer.result?.uid ?? null
  })
}

/**
 * Gives the page's browser an authenticator that holds passkeys and says yes to everything.
 * @see https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
 */
export async function giveAuthenticator(page: Page): Promise<void> {
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('WebAuthn.enable')
  await protocol.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** Adds a passkey in the preferences. The browser is in Odoo's web client, and has an authenticator. */
export async function addPasskey(page: Page, { password }: Account, name: string): Promise<void> {
  await page.getByRole('button', { name: 'User' }).click()
  await page.getByRole('menuitem', { name: /Preferences/ }).click()
  await page.getByRole('tab', { name: 'Security' }).click()
  await page.getByRole('button', { name: 'Add Passkey' }).click()
  const dialog = page.getByRole('dialog').last()
  await dialog.locator('input[type=password]').fill(password)
  await dialog.getByRole('button', { name: 'Confirm Password' }).click()
  await dialog.getByLabel('Name').fill(name)
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
}

/**
 * Turns the second factor on, through Odoo's own wizard.
 * @param own the person's session at Odoo
 * @returns the codes of their app, by steps after now; that of step 0 was used to turn it on
 */
export async function enableTotp(
  own: OdooSession,
  { uid, password }: Person,
): Promise<(n: number) => string> {
  const wizard = (await callAndConfirm(own, password, 'res.users', 'action_totp_enable_wizard', [
    uid,
  ])) as { res_model: string; res_id: number }
  const [shown] = (await own.call(wizard.res_model, 'read', [[wizard.res_id], ['secret']])) as {
    secret: string
  }[]
  const code = authenticatorApp(shown?.secret ?? '')
  await own.call(wizard.res_model, 'enable', [[wizard.res_id]], { code: code(0) })
  return code
}
