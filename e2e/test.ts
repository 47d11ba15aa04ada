/**
 * `npm test`: every suite of the repository, one after the other, and one line that sums them up.
 *
 * `--unit` runs what needs neither root nor stack. Names of suites run only these.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { installClients } from './clients/install.ts'
import { origins } from './clients/registered.ts'
import { checkDisk, checkMachine, checkPip, checkProgram } from './stack/checks.ts'
import { countOdoo, countPlaywright, countTap, type Counts } from './stack/counts.ts'
import { explain, StackError } from './stack/error.ts'
import { ensureRoot, installStack } from './stack/install.ts'
import { testAddon } from './stack/test-addon.ts'
import { REPOSITORY } from './stack/paths.ts'
import type { RootName } from './stack/roots.ts'
import { freePort } from './stack/ports.ts'
import { secondsSince, showProgress, type Progress } from './stack/progress.ts'
import { takeRunFolder } from './stack/run-folder.ts'
import { aborted, commandBegan, stopRequested } from './stack/signals.ts'
import { startStack, type Stack } from './stack/stack.ts'
import { installAnotherOdoo } from './support/another-odoo.ts'
import { PICTURES_STACK } from './support/pictures-stack.ts'
import { testClients } from './support/test-clients.ts'

/** What a suite needs beside the npm packages. */
type Needs = 'nothing' | 'roots' | 'stack'

interface Suite {
  name: string
  needs: Needs
  /** Makes what this suite alone needs. */
  install?: (progress: Progress) => Promise<void>
  /** Runs it, with its own output on this process's. */
  run(context: Context): Promise<Outcome>
}

interface Context {
  /** For reports; removed afterwards. */
  folder: string
  environment: NodeJS.ProcessEnv
}

interface Outcome extends Counts {
  exitCode: number | null
  /** What it runs in cannot be had here: no fault, but to be said. */
  isAbsent?: boolean
}

interface Result extends Counts {
  name: string
  time: string
}

const running = new Set<number>()

const stopped = stopRequested()
stopped.addEventListener('abort', () => {
  for (const pid of running) process.kill(-pid, 'SIGKILL')
})

/**
 * Runs a program with this process's output.
 * @returns its exit code, and what it printed where that is read
 */
async function show(
  command: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; read?: boolean },
): Promise<{ exitCode: number | null; printed: string }> {
  const { cwd, env, read = false } = options
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd,
    env,
    stdio: ['ignore', read ? 'pipe' : 'inherit', 'inherit'],
    // A group of its own, to be stopped as a whole.
    detached: true,
  })
  const { pid } = child
  if (pid !== undefined) running.add(pid)
  child.stdout?.on('data', (chunk: Buffer) => process.stdout.write(chunk))
  const printed = child.stdout === null ? '' : text(child.stdout)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  if (pid !== undefined) running.delete(pid)
  return { exitCode, printed: await printed }
}

/** A suite of tap tests: all test files below a folder of a workspace. */
const tapSuite = (name: string, workspace: string, folder: string, needs: Needs): Suite => ({
  name,
  needs,
  async run({ environment }) {
    const cwd = join(REPOSITORY, workspace)
    const files = globSync(`${folder}/**/*.test.ts`, { cwd }).sort()
    if (files.length === 0) throw new StackError(`${workspace}/${folder} holds no tests.`)
    // What shares a stack goes one after the other.
    const jobs = needs === 'nothing' ? ['--jobs=4'] : []
    const tap = ['tap', '--disable-coverage', '--reporter=tap', ...jobs, ...files]
    const { exitCode, printed } = await show(tap, { cwd, env: environment, read: true })
    return { ...countTap(printed), exitCode }
  },
})

/** A suite that Playwright runs, on the stack. @param config its file */
const playwrightSuite = (name: string, config: string): Suite => ({
  name,
  needs: 'stack',
  async run({ folder, environment }) {
    const report = join(folder, `${config}.json`)
    const env = { ...environment, PLAYWRIGHT_JSON_OUTPUT_FILE: report }
    const cwd = join(REPOSITORY, 'e2e')
    const { exitCode } = await show(['playwright', 'test', '--config', config], { cwd, env })
    const written = await readFile(report, 'utf8').catch(() => {
      throw new StackError('Playwright ended without a report.')
    })
    return { ...countPlaywright(written), exitCode }
  },
})

/**
 * A suite in a browser that not every archive has, for every kind of machine. Where its root cannot
 * be built the others run, and the end says that this one did not, and why.
 */
function whereItCanBeHad(root: RootName, suite: Suite): Suite {
  let problem: string | undefined
  return {
    ...suite,
    async install(progress) {
      try {
        await ensureRoot(root, progress)
      } catch (error) {
        problem = explain(error)
      }
    },
    async run(context) {
      if (problem === undefined) return suite.run(context)
      console.log(problem)
      const reason = problem.split('\n')[0] ?? ''
      return {
        passed: 0,
        failed: [],
        skipped: [`all of it: ${reason}`],
        exitCode: 0,
        isAbsent: true,
      }
    },
  }
}

/** The documentation's pictures, on a stack that no other test has written to. */
const pictures: Suite = {
  name: 'pictures',
  needs: 'roots',
  async run(context) {
    const stack = await startStack({ ...PICTURES_STACK, signal: stopped })
    try {
      const environment = { ...context.environment, DRAWBRIDGE_STACK: stack.file }
      return await playwrightSuite(pictures.name, 'pictures.config.ts').run({
        ...context,
        environment,
      })
    } finally {
      await stack.stop()
    }
  },
}

const SUITES: Suite[] = [
  tapSuite('bridge unit', 'bridge', 'test/unit', 'nothing'),
  tapSuite('gate unit', 'nginx-njs', 'test/unit', 'nothing'),
  tapSuite('pwa unit', 'pwa', 'test', 'nothing'),
  tapSuite('stack unit', 'e2e', 'test', 'nothing'),
  tapSuite('gate', 'nginx-njs', 'test/nginx', 'roots'),
  {
    name: 'addon',
    needs: 'roots',
    async run() {
      const { log, exitCode } = await testAddon((line) => {
        console.log(line)
      })
      return { ...countOdoo(log), exitCode }
    },
  },
  tapSuite('addon on a server', 'e2e', 'addon', 'roots'),
  pictures,
  tapSuite('bridge integration', 'bridge', 'test/integration', 'stack'),
  { ...tapSuite('independent clients', 'e2e', 'clients', 'stack'), install: installClients },
  { ...playwrightSuite('browser', 'playwright.config.ts'), install: installAnotherOdoo },
  whereItCanBeHad('firefox', playwrightSuite('Firefox', 'firefox.config.ts')),
  whereItCanBeHad('webkit', playwrightSuite('WebKit', 'webkit.config.ts')),
]

/** Seconds: short, so that tests can see a token expire. */
const ACCESS_TOKEN_TTL = 5

async function startTestStack(): Promise<Stack> {
  const apps = {
    otherApp: `http://127.0.0.1:${await freePort()}`,
    handbook: `http://127.0.0.1:${await freePort()}`,
  }
  return startStack({
    name: 'test',
    ephemeral: true,
    demo: true,
    signal: stopped,
    environment: {
      ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL),
      // Tests fail to sign in on purpose, all of them from one address.
      SIGN_IN_FAILURES_PER_ADDRESS: '1000',
    },
    leeway: 0,
    clients: (audiences) => testClients(audiences, apps),
    providers: ['Example', 'Another'],
    corsOrigins: origins(apps.otherApp),
    progress: showProgress(process.stderr),
  })
}

async function runSuite(suite: Suite, context: Context): Promise<Result> {
  stopped.throwIfAborted()
  console.log(`\n=== ${suite.name} ===`)
  const begin = Date.now()
  const { name } = suite
  try {
    const { exitCode, isAbsent = false, ...counts } = await suite.run(context)
    stopped.throwIfAborted()
    const time = secondsSince(begin)
    if (counts.failed.length > 0) return { name, time, ...counts }
    const ended = exitCode === null ? 'was killed' : `ended with exit code ${exitCode}`
    if (exitCode !== 0) return { name, time, ...counts, failed: [ended] }
    if (counts.passed === 0 && !isAbsent) return { name, time, ...counts, failed: ['ran no test'] }
    return { name, time, ...counts }
  } catch (error) {
    stopped.throwIfAborted()
    return crashed(suite, secondsSince(begin), error)
  }
}

function crashed({ name }: Suite, time: string, error: unknown): Result {
  const problem = explain(error)
  console.error(problem)
  return { name, time, passed: 0, failed: [problem.split('\n')[0] ?? ''], skipped: [] }
}

function sumUp(results: Result[], time: string): void {
  const width = Math.max(...results.map(({ name }) => name.length))
  console.log(`\n=== all suites, ${time} ===`)
  for (const { name, passed, failed, skipped, time: own } of results) {
    const columns = [
      name.padEnd(width),
      `${passed} passed`.padStart(12),
      `${failed.length} failed`.padStart(10),
      `${skipped.length} skipped`.padStart(11),
      own.padStart(9),
    ]
    console.log(columns.join(' '))
  }
  for (const { name, failed, skipped } of results) {
    for (const test of skipped) console.log(`skipped: ${name}: ${test}`)
    for (const test of failed) console.log(`failed: ${name}: ${test}`)
  }
  const total = (count: (result: Result) => number): number =>
    results.reduce((all, result) => all + count(result), 0)
  const failed = total((result) => result.failed.length)
  const skipped = total((result) => result.skipped.length)
  console.log(
    `\n${total(({ passed }) => passed)} passed, ${failed} failed` +
      (skipped > 0 ? `, ${skipped} skipped` : ''),
  )
}

function chooseSuites(args: string[]): Suite[] {
  if (args.length === 0) return SUITES
  if (args[0] === '--unit') return SUITES.filter(({ needs }) => needs === 'nothing')
  return args.map((name) => {
    const suite = SUITES.find((candidate) => candidate.name === name)
    if (suite !== undefined) return suite
    const names = SUITES.map((candidate) => `"${candidate.name}"`).join(', ')
    throw new StackError(`There is no suite "${name}"; there are ${names}, and --unit.`)
  })
}

async function install(suites: Suite[]): Promise<void> {
  if (suites.every(({ needs }) => needs === 'nothing')) return
  await checkMachine()
  await checkDisk()
  await checkPip()
  // The commands of docs/recipes.md.
  for (const program of ['curl', 'openssl']) await checkProgram(program, program)
  const progress = showProgress(process.stderr)
  await Promise.all([
    installStack(progress),
    ensureRoot('stable', progress),
    ...suites.map(({ install }) => install?.(progress)),
  ])
}

async function main(): Promise<number> {
  const begin = commandBegan()
  const suites = chooseSuites(process.argv.slice(2))
  await Promise.race([install(suites), aborted(stopped)])
  stopped.throwIfAborted()
  const reports = await takeRunFolder('reports')
  const folder = reports.path
  const environment = { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' }
  const results: Result[] = []
  let stack: Stack | undefined
  try {
    for (const suite of suites.filter(({ needs }) => needs !== 'stack')) {
      results.push(await runSuite(suite, { folder, environment }))
    }
    const onStack = suites.filter(({ needs }) => needs === 'stack')
    if (onStack.length > 0) {
      console.log('\n=== test stack ===')
      try {
        stack = await startTestStack()
      } catch (error) {
        results.push(...onStack.map((suite) => crashed(suite, secondsSince(begin), error)))
        onStack.length = 0
      }
    }
    for (const suite of onStack) {
      const onIt = { ...environment, DRAWBRIDGE_STACK: stack?.file }
      results.push(await runSuite(suite, { folder, environment: onIt }))
    }
  } finally {
    await stack?.stop()
    await reports.release()
  }
  sumUp(results, secondsSince(begin))
  return results.some(({ failed }) => failed.length > 0) ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`\n${explain(error)}`)
  process.exitCode = 1
}
// What is still being built would keep this process alive; it dies with it.
process.exit()
