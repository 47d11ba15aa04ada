/**
 * Takes the pictures of the README from a running stack (`npm start`): the PWA after an expired
 * token was renewed, at desktop and phone size, light and dark.
 */
import { join } from 'node:path'
import { chromium, devices, type Page } from 'playwright'
import { chromiumProgram } from './stack/chromium.ts'
import { readStack } from './stack/description.ts'

const { issuer, accounts } = readStack()
const folder = join(import.meta.dirname, '../docs/images')

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Login').fill(accounts.demo.login)
  await page.getByLabel('Password', { exact: true }).fill(accounts.demo.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Azure Interior').first().waitFor()
}

const browser = await chromium.launch({ executablePath: chromiumProgram() })
const sizes = {
  pwa: { viewport: { width: 1280, height: 800 } },
  'pwa-phone': devices['iPhone 13'],
}
for (const [name, size] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ ...size, colorScheme, baseURL: issuer })
    await page.goto('/')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const suffix = colorScheme === 'dark' ? '-dark' : ''
    await page.screenshot({ path: join(folder, `${name}-sign-in${suffix}.png`) })
    await signIn(page)
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) })
    await page.close()
  }
}
await browser.close()
