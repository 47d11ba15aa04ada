import { chromium } from '/work/w-trace/node_modules/playwright/index.mjs'
import { chromiumProgram } from '/work/w-trace/e2e/stack/chromium.ts'
import { readFileSync } from 'node:fs'
const d = JSON.parse(readFileSync(process.env.DRAWBRIDGE_STACK!, 'utf8'))
const browser = await chromium.launch({ executablePath: chromiumProgram() })
const only = process.argv[2]
for (const [name, viewport, colorScheme, path] of [
  ['desk', { width: 1280, height: 800 }, 'light', '/'],
  ['full', { width: 1280, height: 1000 }, 'dark', '/activity'],
  ['phone', { width: 390, height: 844 }, 'light', '/activity'],
] as const) {
  if (only && only !== name) continue
  const page = await browser.newPage({ viewport, colorScheme, baseURL: d.issuer })
  page.on('console', (m) => console.log(name, m.text()))
  page.on('pageerror', (m) => console.log(name, 'ERR', m.message))
  await page.goto('/')
  await page.getByLabel('Login').fill('demo')
  await page.getByLabel('Password', { exact: true }).fill('demo')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Azure Interior').first().waitFor()
  if (name !== 'desk') await page.getByRole('link', { name: 'Steps' }).click()
  await page.waitForTimeout(900)
  await page.screenshot({ path: `/tmp/shot-${name}-1.png` })
  await page.getByRole('checkbox', { name: /Let the gate find out/ }).check()
  await page.waitForTimeout(10500)
  if (name !== 'desk') await page.getByRole('link', { name: 'Contacts' }).click()
  await page.getByRole('button', { name: 'Reload' }).click()
  await page.waitForTimeout(1500)
  if (name !== 'desk') await page.getByRole('link', { name: 'Steps' }).click()
  await page.waitForTimeout(300)
  await page.screenshot({ path: `/tmp/shot-${name}-2.png` })
  if (name === 'desk') console.log(await page.evaluate(() => document.querySelector('.steps')!.innerText))
  await page.close()
}
await browser.close()
