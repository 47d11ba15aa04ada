/** Playwright's runner with another browser in its hand: WebKit, by W3C WebDriver. */
import { test as base } from 'playwright/test'
import { Builder, type WebDriver } from 'selenium-webdriver'
import { startWebKit, type WebKit } from '../stack/webkit.ts'

interface Fixtures {
  /** A browser that has just been opened. */
  driver: WebDriver
}

export const test = base.extend<Fixtures, { webKit: WebKit }>({
  webKit: [
    // Playwright reads from the pattern what a fixture needs: nothing.
    async ({}, use) => {
      const webKit = await startWebKit()
      await use(webKit)
      await webKit.stop()
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  driver: async ({ webKit }, use, info) => {
    const driver = await new Builder()
      .usingServer(webKit.url)
      .withCapabilities({ browserName: 'MiniBrowser' })
      .build()
    // As wide as a desktop's, where all screens stand side by side.
    await driver.manage().window().setRect({ x: 0, y: 0, width: 1280, height: 900 })
    await use(driver)
    if (info.status !== info.expectedStatus) {
      const body = Buffer.from(await driver.takeScreenshot(), 'base64')
      await info.attach('screenshot', { body, contentType: 'image/png' })
    }
    await driver.quit()
  },
})

export { expect } from 'playwright/test'
