import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright/test'

/** What stands in the way of people. The debugger runs it: no policy has to be loosened for it. */
export async function obstaclesIn(page: Page): Promise<string[]> {
  // Firefox 159 crashes when a page asks for it after Playwright has: see firefox.config.ts.
  await page.evaluate(() => Reflect.deleteProperty(Element.prototype, 'ariaLabelledByElements'))
  // Half faded in, a text has half its contrast.
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
        .map(({ finished }) => finished),
    ).then(() => undefined),
  )
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }
    // It would load style sheets by itself, which the page's policy refuses.
    return axe.run({ preload: false })
  })
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}
