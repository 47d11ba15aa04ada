import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from '../stack/description.ts'
import { watch } from '../support/network.ts'
import { leaveExpiryToTheGate, openSignedIn, reload } from '../support/pwa.ts'
import { untilExpired } from '../support/tokens.ts'

// The PWA after the gate refused an expired token and the request was repeated with a new one, and
// the sequence of that alone.

const { issuer, accounts } = readStack()

/** Lines draw themselves. */
const drawn = (page: Page) =>
  page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished)).then(() => undefined),
  )

for (const colorScheme of ['light', 'dark'] as const) {
  const suffix = colorScheme === 'dark' ? '-dark' : ''

  test.describe(colorScheme, () => {
    test.use({ colorScheme, viewport: { width: 1280, height: 1000 } })

    test('the pictures show what there is', async ({ page }) => {
      const network = watch(page, issuer)
      await openSignedIn(page, accounts.demo)
      await leaveExpiryToTheGate(page)
      await untilExpired(issuer + PATHS.protectedData, network.lastBearer())
      await reload(page)
      await expect(page.getByText('Let through').nth(1)).toBeVisible()
      await drawn(page)
      await expect(page).toHaveScreenshot(`pwa${suffix}.png`)

      await page.getByRole('link', { name: 'Steps' }).click()
      await drawn(page)
      // Without what the keyboard's place adds to it.
      await page.mouse.click(1, 400)
      const clip = { x: 0, y: 65, width: 1280, height: 935 }
      await expect(page).toHaveScreenshot(`sequence${suffix}.png`, { clip })
    })
  })
}
