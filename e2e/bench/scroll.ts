/** Scrolls through thousands of contacts as fast as a wheel goes, and counts what the eye sees. */
import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright'
import { readStack } from '../stack/description.ts'
import { odooSession } from '../support/odoo-session.ts'
import { contacts, signInAtPwa } from '../support/pwa.ts'

const MANY = 3000
/** CSS pixels of one turn of the wheel. */
const TURN = 1000

/** Of one way from the first contact to the last. Times are milliseconds. */
export interface Scroll {
  contacts: number
  /** The longest time from one frame to the next. */
  longestFrame: number
  /** Frames that the browser itself calls long: more than 50 ms of work. */
  longFrames: number
  /** The work of the longest of those; 0 where there is none. */
  longestWork: number
  /** The longest time that the end of what was read was in sight, and more was to come. */
  longestStall: number
  /** All of the way. */
  duration: number
}

interface Watching extends Window {
  watched: Scroll
}

/** @param viewport of the screen, in CSS pixels */
export async function scrollThrough(
  browser: Browser,
  viewport: { width: number; height: number },
): Promise<Scroll> {
  const { issuer, accounts } = readStack()
  const mark = randomUUID().slice(0, 8)
  const many = Array.from({ length: MANY }, (_, index) => ({
    name: `Quinn ${String(index).padStart(4, '0')}`,
    email: `${index}@${mark}.example`,
    phone: `+32 2 555 ${index}`,
    city: 'Ghent',
  }))
  const admin = await odooSession(accounts.admin)
  await admin.call('res.partner', 'create', [many])

  const context = await browser.newContext({ viewport, ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto(issuer)
  await signInAtPwa(page, accounts.demo)
  await contacts(page).first().getByRole('link').first().waitFor()
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  await page.mouse.move(viewport.width / 2, viewport.height / 2)
  await watch(page)
  while (!(await isAtTheEnd(page))) await page.mouse.wheel(0, TURN)
  const watched = await page.evaluate(() => (globalThis as unknown as Watching).watched)
  const result = { ...watched, contacts: await contacts(page).count() }
  await context.close()
  if (result.contacts < MANY) throw new Error(`The list ended after ${result.contacts}.`)
  return result
}

/** Counts frames from now on. */
const watch = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const watched = {
      ...{ contacts: 0, longestFrame: 0, longFrames: 0 },
      ...{ longestWork: 0, longestStall: 0, duration: 0 },
    }
    ;(globalThis as unknown as Watching).watched = watched
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        watched.longFrames++
        watched.longestWork = Math.max(watched.longestWork, duration)
      }
    }).observe({ type: 'long-animation-frame' })
    const begun = performance.now()
    let last = begun
    let stalled = 0
    const frame = (now: number): void => {
      const passed = now - last
      last = now
      watched.duration = now - begun
      watched.longestFrame = Math.max(watched.longestFrame, passed)
      const end = document.querySelector('drawbridge-contacts .more')
      const isStalled = end !== null && end.getBoundingClientRect().top < innerHeight
      stalled = isStalled ? stalled + passed : 0
      watched.longestStall = Math.max(watched.longestStall, stalled)
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })

/** Asked after the next frame, so that the wheel turns once in each. */
const isAtTheEnd = (page: Page): Promise<boolean> =>
  page.evaluate(
    () =>
      new Promise<boolean>((resolve) => {
        requestAnimationFrame(() => {
          const { scrollHeight } = document.documentElement
          const isLast = document.querySelector('drawbridge-contacts .more') === null
          resolve(isLast && scrollY + innerHeight >= scrollHeight - 1)
        })
      }),
  )
