/**
 * `npm run bench:gate`: how fast the gate is, beside no protection, a module in C, an application
 * that is asked by `auth_request`, and bare OpenSSL. A figure below its goal is reported; an answer
 * that is not what it must be ends the run.
 *
 * `--json FILE` writes the figures and what they were made of. docs/benchmarks.md tells the rest.
 */
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand, writeReport, type Undo } from '../../e2e/bench/command.ts'
import { figureTable, goalReport } from '../../e2e/bench/goals.ts'
import { ensureRoot } from '../../e2e/stack/install.ts'
import { secondsSince, showProgress } from '../../e2e/stack/progress.ts'
import { takeRunFolder } from '../../e2e/stack/run-folder.ts'
import { commandBegan } from '../../e2e/stack/signals.ts'
import {
  AUTH_REQUEST,
  C_MODULE,
  C_MODULE_NEW,
  C_MODULE_RS256,
  compare,
  FIRST_SEEN,
  FIRST_SEEN_RS256,
  MEMO,
  MEMO_PROXIED,
  MEMO_REVOCATIONS,
  MEMO_WALK_100K,
  MEMO_WALK_1,
  OPENSSL,
  PLAIN,
  PLAIN_PROXIED,
  type Comparison,
} from './comparisons.ts'
import { OTHER_CORES, pin } from './cores.ts'
import { GOALS, measurementTable, type FigureName } from './figures.ts'
import { fillMemo } from './memo.ts'
import type { LocationName, Nginx } from './nginx.ts'
import { measurements, opensslTurn, takeTurns, wrkTurn, type Turn } from './rounds.ts'
import {
  LIVE_TOKENS,
  mintAll,
  startIssuers,
  startServers,
  type Run,
  type Servers,
  type Tokens,
} from './scene.ts'
import { firstToken } from './tokens.ts'
import { CONNECTIONS, type TokenFile } from './wrk.ts'

const ROUNDS = 5
/** Seconds. */
const SETTLE = 1
const MEASURED = 2

const begin = commandBegan()
const { values } = parseArgs({ options: { json: { type: 'string' } } })

/** All turns of a round: what is compared stands together. */
function turnsOf(servers: Servers, files: Tokens): Record<string, Turn> {
  const { main, fresh, revoked, verifierPid } = servers
  const [token, rs256Token] = [firstToken(files.one), firstToken(files.oneRs256)]
  const one = (nginx: Nginx, location: LocationName): Turn => wrkTurn({ nginx, location, token })
  const seen = (file: TokenFile): Turn =>
    wrkTurn({ nginx: main, location: 'gate', token, walk: { file, met: true } })
  const unseen = (location: LocationName): Turn =>
    wrkTurn({ nginx: fresh, location, token, walk: { file: files.live, met: false } })
  const unseenRs256 = (location: LocationName): Turn =>
    wrkTurn({
      nginx: fresh,
      location,
      token: rs256Token,
      walk: { file: files.rs256, met: false },
    })
  return {
    [PLAIN]: one(main, 'plain'),
    [MEMO]: one(main, 'gate'),
    [MEMO_REVOCATIONS]: one(revoked, 'gate'),
    [C_MODULE]: one(main, 'c-module'),
    [AUTH_REQUEST]: wrkTurn({
      nginx: main,
      location: 'auth-request',
      token,
      besidePid: verifierPid,
    }),
    [PLAIN_PROXIED]: one(main, 'proxied'),
    [MEMO_PROXIED]: one(main, 'gate-proxied'),
    [MEMO_WALK_1]: seen(files.one),
    [MEMO_WALK_100K]: seen(files.live),
    [C_MODULE_NEW]: unseen('c-module'),
    [FIRST_SEEN]: unseen('gate'),
    [OPENSSL]: opensslTurn,
    [C_MODULE_RS256]: unseenRs256('c-module-rs256'),
    [FIRST_SEEN_RS256]: unseenRs256('gate-rs256'),
  }
}

const spread = ({ lowest, highest }: Comparison): string =>
  `${lowest.toFixed(2)}–${highest.toFixed(2)}`

async function bench(undo: Undo): Promise<void> {
  const progress = showProgress(process.stderr)
  await ensureRoot('stack', progress)
  // All that this starts stays there too, but for nginx.
  await pin(process.pid, OTHER_CORES)
  const folder = await takeRunFolder('bench-gate')
  undo.push(() => folder.release())
  const run: Run = { undo, within: (name) => join(folder.path, name) }

  const issuers = await progress.step('bridges', () => startIssuers(run))
  const tokens = await progress.step('tokens', (update) => mintAll(run, issuers, update))
  const servers = await progress.step('nginx', () => startServers(run, issuers, tokens))
  const bytesPerToken = await progress.step('seeing all tokens once', (update) =>
    fillMemo(servers.main, tokens.live, update),
  )
  const rounds = await progress.step(`${ROUNDS} rounds`, (update) =>
    takeTurns(turnsOf(servers, tokens), ROUNDS, { settle: SETTLE, measured: MEASURED }, (round) => {
      update(`${round} of ${ROUNDS}`)
    }),
  )

  const { tokens: remembered } = await servers.main.zones()
  if (remembered < LIVE_TOKENS) throw new Error(`The memo kept only ${remembered} tokens.`)

  const comparisons = compare(rounds)
  const comparisonOf = (name: FigureName): Comparison | undefined =>
    name === 'bytes_per_token' ? undefined : comparisons[name]
  const figures = Object.fromEntries(
    (Object.keys(GOALS) as FigureName[]).map((name) => [
      name,
      comparisonOf(name)?.rate ?? bytesPerToken,
    ]),
  ) as Record<FigureName, number>
  const measured = measurements(rounds)
  console.log(
    `\n${CONNECTIONS} connections, one worker, median of ${ROUNDS} rounds of ${MEASURED} s\n`,
  )
  console.log(measurementTable(measured))
  console.log()
  console.log(
    figureTable(GOALS, figures, {
      'from–to': (name) => {
        const comparison = comparisonOf(name)
        return comparison ? spread(comparison) : ''
      },
      'by CPU': (name) => comparisonOf(name)?.cpu.toFixed(2) ?? '',
    }),
  )
  console.log(`\nDone in ${secondsSince(begin)}`)

  if (values.json === undefined) return
  await writeReport(values.json, {
    ...figures,
    goals: goalReport(GOALS, figures),
    comparisons,
    measurements: measured,
    machine: { cpus: cpus().map(({ model }) => model), node: process.version },
    rounds,
  })
}

await runCommand(bench)
