/** Those of the browser's tests that are about the browser, in Debian's Firefox. */
import { defineConfig, selectors } from 'playwright/test'
import { firefoxProgram } from './stack/firefox.ts'
import chromium from './playwright.config.ts'

/**
 * Firefox 159 crashes on the second look at `ariaLabelledByElements` when an isolated world had the
 * first one, and Playwright looks there for names. An engine for selectors is what may run in that
 * world: it hides the property, and Playwright reads the attribute as it does where there is none.
 */
await selectors.register(
  'without-aria-labelled-by-elements',
  () => {
    Object.defineProperty(Element.prototype, 'ariaLabelledByElements', { value: null })
    return { query: () => null, queryAll: () => [] }
  },
  { contentScript: true },
)

export default defineConfig({
  ...chromium,
  testMatch: [
    'pwa.spec.ts',
    'contacts.spec.ts',
    'account.spec.ts',
    'other-app.spec.ts',
    'pages.spec.ts',
    'frames.spec.ts',
  ],
  grepInvert: [
    // What stands in the way of people does so in every browser, and takes long to look for.
    /everybody can use it|nothing stands in the way/,
    // What Odoo, the bridge and the gate decide, they decide for all browsers.
    /in several companies|what Odoo says against|may not change|all others are signed out|B4:/,
    // By WebDriver BiDi a test cannot answer for an app that a redirect leads to: WebKit's suite
    // has them with a real one.
    /without JavaScript|an app that was let in is there/,
    // Nor does it show what the page has posted, and that is what the thief repeats.
    /a code is good once, with its verifier/,
  ],
  // By WebDriver BiDi each look at the page takes several ways there and back.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    ...chromium.use,
    browserName: 'firefox',
    // Firefox as it is, by WebDriver BiDi; without the channel it would have to be Playwright's own.
    channel: 'moz-firefox',
    launchOptions: { executablePath: firefoxProgram() },
  },
})
