/**
 * `npm run bench:pwa`: what the PWA weighs on the wire, how soon it is there on a slow phone, and
 * what stands in people's or the policy's way on any of its screens; beside it Odoo's own sign-in
 * page from the same stack. A figure that misses its goal is reported; a screen that does not come
 * ends the run.
 *
 * `--json FILE` writes the figures and what they were made of. docs/benchmarks.md tells the rest.
 */
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright'
import { chromiumProgram } from '../stack/chromium.ts'
import { readStack } from '../stack/description.ts'
import { installStack } from '../stack/install.ts'
import { REPOSITORY } from '../stack/paths.ts'
import { secondsSince, showProgress } from '../stack/progress.ts'
import { commandBegan } from '../stack/signals.ts'
import { startStack } from '../stack/stack.ts'
import { obstaclesIn } from '../support/obstacles.ts'
import { signInAtPwa } from '../support/pwa.ts'
import { LOOKS, tour } from '../support/tour.ts'
import { codeBytes, collectVitals, countLoaded, slowDown, vitalsOf } from '../support/vitals.ts'
import { runCommand, writeReport, type Undo } from './command.ts'
import { figureTable, goalReport, type Goal } from './goals.ts'
import { scrollThrough } from './scroll.ts'
import { series, type Round } from './series.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'

const GOALS = {
  first_load_gzip_kb: { at: 'most', goal: 40, meaning: 'HTML, CSS and JavaScript on the wire' },
  client_gzip_kb: { at: 'most', goal: 4, meaning: 'pwa/src/auth alone, minified' },
  lcp_ms: { at: 'most', goal: 1200, meaning: 'signed out or in, whichever is later' },
  layout_shift: { at: 'most', goal: 0.02, meaning: 'the most of any run' },
  axe_violations: { at: 'most', goal: 0, meaning: 'on all screens, themes and sizes' },
  csp_violations: { at: 'most', goal: 0, meaning: 'on all screens, themes and sizes' },
} as const satisfies Record<string, Goal>

const ROUNDS = 7
const PHONE = { width: 360, height: 740 }

const SIGNED_OUT = 'PWA, signed out'
const SIGNED_IN = 'PWA, signed in'
const ODOO = "Odoo's sign-in page"

interface Visit {
  lcp: number
  /** What the figure is about. */
  lcpElement: string
  fcp: number
  shifts: number
  /** Packed bytes of HTML, CSS and JavaScript. */
  code: number
  /** Of everything, heads included. */
  bytes: number
  requests: number
}

const begin = commandBegan()
const { values } = parseArgs({ options: { json: { type: 'string' } } })

async function start(undo: Undo): Promise<Browser> {
  const progress = showProgress(process.stderr)
  await installStack(progress)
  const stack = await startStack({ name: 'bench-pwa', ephemeral: true, progress })
  undo.push(() => stack.stop())
  process.env['DRAWBRIDGE_STACK'] = stack.file
  const browser = await chromium.launch({ executablePath: chromiumProgram() })
  undo.push(() => browser.close())
  return browser
}

/** A cold visit over the slow network, until nothing more is asked for. */
async function visit(
  context: BrowserContext,
  url: string,
  isThere: (page: Page) => Promise<void>,
): Promise<Visit> {
  await collectVitals(context)
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  const loaded = await countLoaded(devtools)
  await slowDown(devtools)
  await page.goto(url)
  // Whoever looks for something in the page meanwhile does so on the same CPU.
  await page.waitForLoadState('networkidle')
  await isThere(page)
  const { lcp, lcpElement, fcp, shifts } = await vitalsOf(page)
  const all = loaded()
  const bytes = all.reduce((sum, each) => sum + each.bytes, 0)
  return { lcp, lcpElement, fcp, shifts, code: codeBytes(all), bytes, requests: all.length }
}

/** Each kind of visit, in a browser that has never been there. */
async function takeTurns(browser: Browser): Promise<Round<Visit>[]> {
  const { issuer, odooUrl, accounts } = readStack()
  const options = { viewport: PHONE, ignoreHTTPSErrors: true }
  const first = await browser.newContext(options)
  const page = await first.newPage()
  await page.goto(issuer)
  await signInAtPwa(page, accounts.demo)
  await page.getByText('Azure Interior').first().waitFor()
  let cookies = await first.storageState()
  await first.close()
  // The pages of Odoo are made when they are asked for first.
  await fetch(`${readStack().inside.odooUrl}/web/login`)

  const visits: Record<string, () => Promise<Visit>> = {
    async [SIGNED_OUT]() {
      const context = await browser.newContext(options)
      const result = await visit(context, `${issuer}/`, (each) =>
        each.getByRole('heading', { name: 'Sign in' }).waitFor(),
      )
      await context.close()
      return result
    },
    async [SIGNED_IN]() {
      const context = await browser.newContext({ ...options, storageState: cookies })
      const result = await visit(context, `${issuer}/`, (each) =>
        each.getByText('Azure Interior').first().waitFor(),
      )
      cookies = await context.storageState()
      await context.close()
      return result
    },
    async [ODOO]() {
      const context = await browser.newContext(options)
      const result = await visit(context, `${odooUrl}/web/login`, (each) =>
        each.locator('input[name="password"]').waitFor(),
      )
      await context.close()
      return result
    },
  }
  const rounds: Round<Visit>[] = []
  const order = Object.entries(visits)
  while (rounds.length < ROUNDS) {
    const round: Round<Visit> = {}
    for (const [name, take] of rounds.length % 2 === 0 ? order : order.toReversed()) {
      round[name] = await take()
    }
    rounds.push(round)
    console.error(`round ${rounds.length} of ${ROUNDS}, ${secondsSince(begin)}`)
  }
  return rounds
}

/** What stands in somebody's way, on every screen, by the name of the screen. */
async function inspect(browser: Browser): Promise<{ obstacles: string[]; refused: string[] }> {
  const { issuer, accounts } = readStack()
  const obstacles: string[] = []
  const refused: string[] = []
  for (const look of LOOKS) {
    const context = await browser.newContext({ ...look, baseURL: issuer })
    await collectVitals(context)
    const page = await context.newPage()
    await tour(page, '/', accounts.demo, async (name) => {
      const where = `${name}, ${look.colorScheme}, ${look.viewport.width}`
      refused.push(...(await vitalsOf(page)).violations.map((each) => `${where}: ${each}`))
      obstacles.push(...(await obstaclesIn(page)).map((each) => `${where}: ${each}`))
    })
    await context.close()
    console.error(`screens, ${look.colorScheme}, ${look.viewport.width}, ${secondsSince(begin)}`)
  }
  return { obstacles, refused: [...new Set(refused)] }
}

async function clientBytes(): Promise<number> {
  const bundle = await build({
    entryPoints: [join(REPOSITORY, 'pwa/src/auth/index.ts')],
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2024', write: false },
  })
  return gzipSync(bundle.outputFiles[0]?.contents ?? '', { level: 9 }).length
}

function print(rounds: readonly Round<Visit>[]): void {
  const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1)
  console.log(
    `\n${table([
      ['', 'LCP ms', 'from', 'to', 'FCP ms', 'shift', 'code kB', 'all kB', 'requests'],
      ...[SIGNED_OUT, SIGNED_IN, ODOO].map((name) => {
        const of = (value: (result: Visit) => number) => series(rounds, name, value)
        const lcp = of((result) => result.lcp)
        return [
          name,
          median(lcp).toFixed(0),
          Math.min(...lcp).toFixed(0),
          Math.max(...lcp).toFixed(0),
          median(of(({ fcp }) => fcp)).toFixed(0),
          Math.max(...of(({ shifts }) => shifts)).toFixed(3),
          kilobytes(median(of(({ code }) => code))),
          kilobytes(median(of(({ bytes }) => bytes))),
          median(of(({ requests }) => requests)).toFixed(0),
        ]
      }),
    ])}\n`,
  )
  for (const name of [SIGNED_OUT, SIGNED_IN, ODOO]) {
    console.log(`largest, ${name}: ${rounds.at(-1)?.[name]?.lcpElement ?? ''}`)
  }
}

await runCommand(async (undo) => {
  const browser = await start(undo)
  const rounds = await takeTurns(browser)
  const { obstacles, refused } = await inspect(browser)
  // Last: the thousands that it makes would be in everybody's way.
  const scroll = await scrollThrough(browser, PHONE)
  print(rounds)
  for (const each of [...obstacles, ...refused]) console.log(each)
  const of = (name: string, value: (result: Visit) => number) => series(rounds, name, value)
  const lcpOf = (name: string) => median(of(name, ({ lcp }) => lcp))
  const shiftsOf = (name: string) => of(name, ({ shifts }) => shifts)
  const codeOf = (name: string) => median(of(name, ({ code }) => code)) / 1000
  const figures = {
    first_load_gzip_kb: codeOf(SIGNED_OUT),
    client_gzip_kb: (await clientBytes()) / 1000,
    lcp_ms: Math.max(lcpOf(SIGNED_OUT), lcpOf(SIGNED_IN)),
    layout_shift: Math.max(...shiftsOf(SIGNED_OUT), ...shiftsOf(SIGNED_IN)),
    axe_violations: obstacles.length,
    csp_violations: refused.length,
  }
  const beside = {
    lcp_signed_out_ms: lcpOf(SIGNED_OUT),
    lcp_signed_in_ms: lcpOf(SIGNED_IN),
    odoo_login_gzip_kb: codeOf(ODOO),
    odoo_login_lcp_ms: lcpOf(ODOO),
    odoo_login_requests: median(of(ODOO, ({ requests }) => requests)),
    scroll_contacts: scroll.contacts,
    scroll_longest_frame_ms: scroll.longestFrame,
    scroll_long_frames: scroll.longFrames,
    scroll_longest_work_ms: scroll.longestWork,
    scroll_longest_stall_ms: scroll.longestStall,
  }
  console.log(
    `scrolled through ${scroll.contacts} contacts: longest frame ${scroll.longestFrame.toFixed(0)} ms, ` +
      `${scroll.longFrames} long ones; longest stall ${scroll.longestStall.toFixed(0)} ms`,
  )
  console.log(`\n${figureTable(GOALS, figures)}`)
  const machine = { cores: cpus().length, model: cpus()[0]?.model, load: loadavg() }
  console.log(
    `\n${secondsSince(begin)}; load of the machine at the end: ${loadavg()[0]?.toFixed(1)}`,
  )
  if (values.json !== undefined) {
    const goals = goalReport(GOALS, figures)
    await writeReport(values.json, {
      ...figures,
      ...beside,
      goals,
      rounds,
      obstacles,
      refused,
      machine,
    })
  }
})
