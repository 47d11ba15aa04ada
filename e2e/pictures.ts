/**
 * `npm run pictures -w e2e`: takes the README's pictures from a stack of its own, light and dark:
 * the PWA after the gate refused an expired token and the request was repeated with a new one, and
 * the sequence of that alone. And the screenshots of the PWA's manifest, in sizes that stand there
 * too.
 */
import { join } from 'node:path'
import { chromium } from 'playwright'
import { PATHS } from '@drawbridge/bridge/contract'
import { chromiumProgram } from './stack/chromium.ts'
import { installStack } from './stack/install.ts'
import { showProgress } from './stack/progress.ts'
import { startStack } from './stack/stack.ts'
import { watch } from './support/network.ts'
import { untilExpired } from './support/tokens.ts'

const FOLDER = join(import.meta.dirname, '../docs/images')

/** What the PWA's manifest shows to those who are asked whether to install it. */
const SCREENSHOTS = join(import.meta.dirname, '../pwa/public/screenshots')
const JPEG = { type: 'jpeg', quality: 70 } as const

// What is taken is what the tree has now.
await installStack(showProgress(process.stderr))
const stack = await startStack({
  name: 'pictures',
  ephemeral: true,
  demo: true,
  environment: { ACCESS_TOKEN_TTL: '5' },
  leeway: 0,
})
try {
  const { issuer, accounts } = stack.description
  const browser = await chromium.launch({ executablePath: chromiumProgram() })
  for (const colorScheme of ['light', 'dark'] as const) {
    const size = { width: 1280, height: 1000 }
    const page = await browser.newPage({ viewport: size, colorScheme, baseURL: issuer })
    const network = watch(page, issuer)
    await page.goto('/')
    await page.getByLabel('Login').fill(accounts.demo.login)
    await page.getByLabel('Password', { exact: true }).fill(accounts.demo.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Azure Interior').first().waitFor()
    await page.getByRole('checkbox', { name: /Let the gate find out/ }).check()
    await untilExpired(issuer + PATHS.protectedData, network.lastBearer())
    await page.getByRole('button', { name: 'Reload' }).click()
    await page.getByText('Let through').nth(1).waitFor()
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished)),
    )
    const suffix = colorScheme === 'dark' ? '-dark' : ''
    await page.screenshot({ path: join(FOLDER, `pwa${suffix}.png`) })
    if (colorScheme === 'light') {
      const clip = { x: 0, y: 0, width: 1280, height: 800 }
      await page.screenshot({ path: join(SCREENSHOTS, 'wide.jpg'), clip, ...JPEG })
      const phone = await browser.newContext({
        ...{ viewport: { width: 360, height: 640 }, deviceScaleFactor: 2, colorScheme },
        storageState: await page.context().storageState(),
      })
      const narrow = await phone.newPage()
      await narrow.goto(issuer)
      await narrow.getByText('Azure Interior').first().waitFor()
      await narrow.screenshot({ path: join(SCREENSHOTS, 'narrow.jpg'), ...JPEG })
    }

    await page.setViewportSize({ width: 1280, height: 1020 })
    await page.getByRole('link', { name: 'Steps' }).click()
    // The lines of the last story draw themselves.
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished)),
    )
    await page.locator('#activity').screenshot({ path: join(FOLDER, `sequence${suffix}.png`) })
  }
  await browser.close()
} finally {
  await stack.stop()
}
