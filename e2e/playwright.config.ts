import { join } from 'node:path'
import { defineConfig } from 'playwright/test'
import { chromiumProgram } from './stack/chromium.ts'
import { readStack } from './stack/description.ts'
import { STACK_DIR } from './stack/paths.ts'

const json = process.env['PLAYWRIGHT_JSON_OUTPUT_FILE']

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  // Those are driven by WebDriver: webkit.config.ts.
  testIgnore: 'webkit/**',
  outputDir: join(STACK_DIR, 'test-results'),
  // All tests share one stack and its few accounts.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: json === undefined ? 'list' : [['list'], ['json', { outputFile: json }]],
  use: {
    baseURL: readStack().issuer,
    launchOptions: { executablePath: chromiumProgram() },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
})
