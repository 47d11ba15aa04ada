import { defineConfig } from 'playwright/test'
import chromium from './playwright.config.ts'

/**
 * The documentation's pictures of the PWA. A run fails where one shows something else than there is
 * now; `npm run pictures -w e2e` takes them anew.
 */
export default defineConfig({
  ...chromium,
  testDir: 'pictures',
  testMatch: '*.ts',
  snapshotPathTemplate: '../docs/images/{arg}{ext}',
  // The clock and every duration in them are another each time, and a digit more moves its line. A
  // colour is another when one can tell.
  expect: { toHaveScreenshot: { maxDiffPixelRatio: 0.015, threshold: 0.02, animations: 'allow' } },
})
