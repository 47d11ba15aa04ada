/**
 * `npm run bench:odoo`: how many requests Odoo's API answers with an access token, beside an API key
 * on the same route, and the web client's session cookie on its own. A figure below its goal is
 * reported; an answer that is not what it must be ends the run.
 *
 * `--json FILE` writes the figures and what they were made of. docs/benchmarks.md tells the rest.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { readStack } from '../stack/description.ts'
import { installStack } from '../stack/install.ts'
import { secondsSince, showProgress } from '../stack/progress.ts'
import { commandBegan } from '../stack/signals.ts'
import { startStack } from '../stack/stack.ts'
import { createApiKey } from '../support/api-key.ts'
import { odooSession } from '../support/odoo-session.ts'
import { bearer, signIn } from '../support/tokens.ts'
import { runCommand, writeReport, type Undo } from './command.ts'
import { figureTable, goalReport, type Goal } from './goals.ts'
import { load, type LoadResult, type Target } from './odoo-load.ts'
import { ratio, series, type Round } from './series.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'

const GOALS = {
  jwt_vs_api_key: {
    at: 'least',
    goal: 1.8,
    meaning: 'access token ÷ API key, both on /json/2',
  },
  jwt_vs_session_cookie: {
    at: 'least',
    goal: 1,
    meaning: 'access token on /json/2 ÷ session cookie on call_kw',
  },
} as const satisfies Record<string, Goal>

const JWT = 'access token, /json/2'
const API_KEY = 'API key, /json/2'
const COOKIE = 'session cookie, call_kw'

const ROUNDS = 5
const CLIENTS = 4
/** Seconds. */
const SETTLE = 1
const MEASURED = 4

/** What all of them read. */
const SEARCH = { domain: [], fields: ['name', 'email'], limit: 10 }

const begin = commandBegan()
const { values } = parseArgs({ options: { json: { type: 'string' } } })

/** Starts a stack whose Odoo has one worker, and gives the process ids of what is measured. */
async function startMeasured(undo: Undo): Promise<{ odoo: number; postgresql: number }> {
  const progress = showProgress(process.stderr)
  await installStack(progress)
  const stack = await startStack({
    name: 'bench-odoo',
    ephemeral: true,
    odooWorkers: 1,
    // As long as the addon takes: longer than the run.
    environment: { ACCESS_TOKEN_TTL: '3600' },
    progress,
  })
  undo.push(() => stack.stop())
  process.env['DRAWBRIDGE_STACK'] = stack.file
  const pidOf = (name: string): number =>
    stack.description.parts.find((part) => part.name === name)?.pid ?? 0
  return { odoo: pidOf('Odoo'), postgresql: pidOf('PostgreSQL') }
}

/** The same records, asked for in three ways by the same user. */
async function targets(): Promise<Record<string, Target>> {
  const { inside, accounts } = readStack()
  const json2 = `${inside.odooUrl}/json/2/res.partner/search_read`
  const { accessToken } = await signIn(accounts.demo)
  const apiKey = await createApiKey(accounts.demo)
  const session = await odooSession(accounts.demo)
  const params = { model: 'res.partner', method: 'search_read', args: [], kwargs: SEARCH }
  return {
    [JWT]: { url: json2, headers: bearer(accessToken), body: SEARCH },
    [API_KEY]: { url: json2, headers: bearer(apiKey), body: SEARCH },
    [COOKIE]: {
      url: `${inside.odooUrl}/web/dataset/call_kw/res.partner/search_read`,
      headers: { Cookie: session.cookie },
      body: { jsonrpc: '2.0', params },
    },
  }
}

const perSecond = (result: LoadResult): number => result.perSecond

function print(rounds: readonly Round<LoadResult>[], what: readonly string[]): void {
  const of = (name: string, value: (result: LoadResult) => number): number =>
    median(series(rounds, name, value))
  console.log(
    `\n${table([
      ['', 'req/s', 'from', 'to', 'p50 ms', 'p99 ms', 'Odoo ms', 'PostgreSQL ms'],
      ...what.map((name) => {
        const rates = series(rounds, name, perSecond)
        return [
          name,
          of(name, perSecond).toFixed(0),
          Math.min(...rates).toFixed(0),
          Math.max(...rates).toFixed(0),
          of(name, ({ p50 }) => p50).toFixed(1),
          of(name, ({ p99 }) => p99).toFixed(1),
          of(name, ({ odooCpu }) => odooCpu).toFixed(2),
          of(name, ({ postgresqlCpu }) => postgresqlCpu).toFixed(2),
        ]
      }),
    ])}\n`,
  )
}

await runCommand(async (undo) => {
  const pids = await startMeasured(undo)
  const asked = await targets()
  const rounds: Round<LoadResult>[] = []
  const order = Object.entries(asked)
  while (rounds.length < ROUNDS) {
    const round: Round<LoadResult> = {}
    // The other way round each time: whoever comes after a heavy one may find the machine hotter.
    for (const [name, target] of rounds.length % 2 === 0 ? order : order.toReversed()) {
      await load(target, pids, { clients: CLIENTS, seconds: SETTLE })
      round[name] = await load(target, pids, { clients: CLIENTS, seconds: MEASURED })
    }
    rounds.push(round)
    console.error(`round ${rounds.length} of ${ROUNDS}, ${secondsSince(begin)}`)
  }
  print(rounds, Object.keys(asked))
  const figuresBy = (value: (result: LoadResult) => number) => ({
    jwt_vs_api_key: ratio(rounds, JWT, API_KEY, value),
    jwt_vs_session_cookie: ratio(rounds, JWT, COOKIE, value),
  })
  const figures = figuresBy(perSecond)
  // Requests per second of CPU: what else the machine does has no part in it.
  const byCpu = figuresBy(({ odooCpu, postgresqlCpu }) => 1 / (odooCpu + postgresqlCpu))
  console.log(figureTable(GOALS, figures, { 'by CPU': (name) => byCpu[name].toFixed(2) }))
  const machine = { cores: cpus().length, model: cpus()[0]?.model, load: loadavg() }
  console.log(
    `\n${secondsSince(begin)}; load of the machine at the end: ${loadavg()[0]?.toFixed(1)}`,
  )
  if (values.json !== undefined) {
    const report = { figures, byCpu, goals: goalReport(GOALS, figures), rounds, machine }
    await writeReport(values.json, report)
  }
})
