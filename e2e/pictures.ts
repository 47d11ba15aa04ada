/**
 * `npm run pictures -w e2e`: takes the documentation's pictures of the PWA anew, from a stack of its
 * own, and the screenshots of its manifest, in the sizes that stand there.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { chromiumProgram } from './stack/chromium.ts'
import { installStack } from './stack/install.ts'
import { showProgress } from './stack/progress.ts'
import { startStack } from './stack/stack.ts'
import { PICTURES_STACK } from './support/pictures-stack.ts'
import { signInAtPwa } from './support/pwa.ts'

/** What the PWA's manifest shows to those who are asked whether to install it. */
const SCREENSHOTS = join(import.meta.dirname, '../pwa/public/screenshots')

/** Pixels of the page, and how many of the picture each of them is. */
const SIZES = [
  { name: 'wide', viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
  { name: 'narrow', viewport: { width: 360, height: 640 }, deviceScaleFactor: 2 },
]

// What is taken is what the tree has now.
await installStack(showProgress(process.stderr))
const stack = await startStack(PICTURES_STACK)
try {
  const { issuer, accounts } = stack.description
  const retake = ['test', '--config', 'pictures.config.ts', '--update-snapshots', 'all']
  const child = spawn('playwright', retake, {
    cwd: import.meta.dirname,
    env: { ...process.env, DRAWBRIDGE_STACK: stack.file },
    stdio: 'inherit',
  })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  process.exitCode = exitCode ?? 1

  const browser = await chromium.launch({ executablePath: chromiumProgram() })
  for (const { name, ...size } of SIZES) {
    const context = await browser.newContext({ ...size, colorScheme: 'light', baseURL: issuer })
    const page = await context.newPage()
    await page.goto('/')
    await signInAtPwa(page, accounts.demo)
    await page.getByText('Azure Interior').first().waitFor()
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.jpg`), type: 'jpeg', quality: 70 })
  }
  await browser.close()
} finally {
  await stack.stop()
}
