/** The browser of a person who uses an app: it goes where the app sends it, and back. */
import { chromium, type Browser, type Page } from 'playwright'
import type { Account } from '../stack/description.ts'
import { chromiumProgram } from '../stack/chromium.ts'

/** Apps of the tests have addresses that nobody serves, and nobody is to be asked for. */
const NOWHERE = '--host-resolver-rules=MAP *.example ~NOTFOUND'

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumProgram(), args: [NOWHERE] })

/**
 * Goes to an address, and on until the bridge sends the browser to one of the app's.
 * @param address where to go first
 * @param back what the app's address begins with; nobody need listen there
 * @param person what they do on the pages that are shown meanwhile
 * @returns the whole address
 */
export async function follow(
  page: Page,
  address: string,
  back: string,
  person: () => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const arrived = page.waitForRequest((request) => {
    const url = request.url()
    return request.isNavigationRequest() && (url === back || url.startsWith(`${back}?`))
  })
  // It is led on to where nobody listens, at once or later: that it came there is what counts.
  const gone = page.goto(address).catch(() => undefined)
  const [request] = await Promise.all([arrived, gone.then(person)])
  return request.url()
}

/** Signs in on the bridge's page. */
export async function signIn(page: Page, { login, password }: Account): Promise<void> {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Answers the question of what an app may do. */
export const decide = (page: Page, answer: 'Allow' | 'Do not allow'): Promise<void> =>
  page.getByRole('button', { name: answer, exact: true }).click()
