/** What a browser tells of a page from within: when it was painted, what moved, what was refused. */
import type { BrowserContext, CDPSession, Page } from 'playwright'

/** Of one page, since it was opened. */
export interface Vitals {
  /** Milliseconds until the largest text or picture was there. @see Largest Contentful Paint */
  lcp: number
  /** Its HTML, cut off: what the figure is about. */
  lcpElement: string
  /** Milliseconds until anything was there. */
  fcp: number
  /** All layout shifts together, also those that the user's own doing would excuse. */
  shifts: number
  /** What the policy refused: the directive, and what of. */
  violations: string[]
}

interface Collected extends Window {
  vitals: Vitals
}

interface LargestContentfulPaint extends PerformanceEntry {
  element: Element | null
}

interface LayoutShift extends PerformanceEntry {
  value: number
}

/** Has every page of a browser tell, from its first moment on. */
export async function collectVitals(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const vitals: Vitals = { lcp: 0, lcpElement: '', fcp: 0, shifts: 0, violations: [] }
    ;(globalThis as unknown as Collected).vitals = vitals
    document.addEventListener('securitypolicyviolation', (event) => {
      vitals.violations.push(
        `${event.effectiveDirective} ${event.blockedURI} ${event.sample}`.trim(),
      )
    })
    const observe = (type: string, take: (entry: PerformanceEntry) => void) => {
      new PerformanceObserver((list) => {
        list.getEntries().forEach(take)
      }).observe({ type, buffered: true })
    }
    observe('largest-contentful-paint', (entry) => {
      vitals.lcp = entry.startTime
      vitals.lcpElement = (entry as LargestContentfulPaint).element?.outerHTML.slice(0, 80) ?? ''
    })
    observe('layout-shift', (entry) => {
      vitals.shifts += (entry as LayoutShift).value
    })
    observe('paint', ({ name, startTime }) => {
      if (name === 'first-contentful-paint') vitals.fcp = startTime
    })
  })
}

/** What this page has told so far, after whatever is being painted right now. */
export const vitalsOf = (page: Page): Promise<Vitals> =>
  page.evaluate(async () => {
    const painted = (): Promise<unknown> =>
      new Promise((resolve) => {
        requestAnimationFrame(() => setTimeout(resolve))
      })
    await painted()
    await painted()
    return (globalThis as unknown as Collected).vitals
  })

/** A phone on a slow network, as the goal has it. */
export async function slowDown(devtools: CDPSession): Promise<void> {
  await devtools.send('Network.enable')
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 150,
    downloadThroughput: 1_600_000 / 8,
    uploadThroughput: 750_000 / 8,
  })
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 })
}

/** One file that a page was made of. */
export interface Loaded {
  path: string
  /** As DevTools has it: Document, Stylesheet, Script, Image, … */
  type: string
  /** Bytes of the body as it was sent. */
  body: number
  /** The same with its head. */
  bytes: number
}

/** Counts what a page loads from now on. @returns all that has arrived */
export async function countLoaded(devtools: CDPSession): Promise<() => Loaded[]> {
  const answers = new Map<string, { path: string; type: string; head: number }>()
  const loaded: Loaded[] = []
  devtools.on('Network.responseReceived', ({ requestId, type, response }) => {
    const { pathname: path } = new URL(response.url)
    answers.set(requestId, { path, type, head: response.encodedDataLength })
  })
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength: bytes }) => {
    const answer = answers.get(requestId)
    if (!answer) return
    const { path, type, head } = answer
    loaded.push({ path, type, body: bytes - head, bytes })
  })
  await devtools.send('Network.enable')
  return () => loaded
}

/** What a first load is counted by: HTML, CSS and JavaScript, packed. In bytes. */
export const codeBytes = (loaded: readonly Loaded[]): number =>
  loaded
    .filter(({ type }) => ['Document', 'Stylesheet', 'Script'].includes(type))
    .reduce((sum, { body }) => sum + body, 0)
