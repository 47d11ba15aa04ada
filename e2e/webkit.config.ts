/** What has to hold in Safari's engine too: a suite of its own, as Playwright cannot drive it. */
import { defineConfig } from 'playwright/test'
import chromium from './playwright.config.ts'

export default defineConfig({
  ...chromium,
  testDir: 'webkit',
  testIgnore: [],
  // By WebDriver each look at the page takes several ways there and back.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {},
})
