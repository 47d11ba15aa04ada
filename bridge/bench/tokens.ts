/**
 * `npm run bench:tokens`: how fast the bridge hands out and checks tokens, beside npm
 * `oidc-provider`. A figure below its goal is reported; a request that fails ends the run.
 *
 * `--json FILE` writes the figures and what they were made of, `--keycloak` adds Keycloak.
 * docs/benchmarks.md tells the rest.
 */
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand, writeReport, type Undo } from '../../e2e/bench/command.ts'
import { figureTable, goalReport } from '../../e2e/bench/goals.ts'
import { ensureRoot } from '../../e2e/stack/install.ts'
import { startPostgreSQL } from '../../e2e/stack/parts/postgresql.ts'
import { secondsSince, showProgress } from '../../e2e/stack/progress.ts'
import { takeRunFolder } from '../../e2e/stack/run-folder.ts'
import { commandBegan } from '../../e2e/stack/signals.ts'
import { startFakeOdoo } from '../test/fake-odoo.ts'
import { GOALS, measurementTable, type Figures } from './figures.ts'
import { measureGrowth } from './growth.ts'
import { KEYCLOAK_REFRESH, KEYCLOAK_VERSION, measureKeycloak } from './keycloak.ts'
import { measureRaces } from './races.ts'
import {
  bridgeContestant,
  measurements,
  oidcProviderContestant,
  ratio,
  startLoad,
  takeTurns,
} from './rounds.ts'

const BLOCKS = 3
const ROUNDS = 3
const CONNECTIONS = 32
/**
 * More chains than connections, as there are more people than requests at once. Not many more:
 * oidc-provider's adapter forgets all but its last 1000 entries or so, tokens of idle chains too.
 */
const CHAINS = 128
/** Seconds. */
const WARM_UP = 3
const SETTLE = 0.5
const MEASURED = 2

const GROWTH = { sessions: 1000, rotations: 200_000, connections: CONNECTIONS }

const begin = commandBegan()

const { values } = parseArgs({
  options: { json: { type: 'string' }, keycloak: { type: 'boolean', default: false } },
})

async function bench(undo: Undo): Promise<void> {
  const progress = showProgress(process.stderr)
  await ensureRoot('stack', progress)
  const folder = await takeRunFolder('bench')
  undo.push(() => folder.release())
  const postgresql = await startPostgreSQL({
    folder: join(folder.path, 'postgresql'),
    logFile: join(folder.path, 'postgresql.log'),
    fsync: true,
  })
  undo.push(() => postgresql.part.stop())
  const odoo = await startFakeOdoo()
  undo.push(() => odoo.close())
  const { load, stop } = startLoad()
  undo.push(stop)

  const setting = {
    folder: join(folder.path, 'bridge'),
    odooUrl: odoo.url,
    databaseUrl: postgresql.bridgeUrl,
    environment: {},
  }
  const rounds = await progress.step(
    `refresh and validate, ${BLOCKS} × ${ROUNDS} rounds`,
    (update) =>
      takeTurns(
        [
          bridgeContestant('postgres', setting, postgresql, CHAINS),
          oidcProviderContestant('refresh', CHAINS),
          bridgeContestant('memory', setting, postgresql, CHAINS),
          bridgeContestant('sqlite', setting, postgresql, CHAINS),
          oidcProviderContestant('introspect', CHAINS),
        ],
        load,
        {
          blocks: BLOCKS,
          rounds: ROUNDS,
          connections: CONNECTIONS,
          warmUp: WARM_UP,
          settle: SETTLE,
          measured: MEASURED,
          onBlock: (block) => {
            update(`${block} of ${BLOCKS}`)
          },
        },
      ),
  )
  const growth = await progress.step(`${GROWTH.rotations} rotations`, () =>
    measureGrowth(postgresql, setting, load, GROWTH),
  )
  const winners = await progress.step('races', () => measureRaces(setting))

  const keycloakRounds = values.keycloak
    ? await progress.step(`Keycloak ${KEYCLOAK_VERSION}, ${ROUNDS} rounds`, (update) =>
        measureKeycloak(setting, postgresql, load, {
          // Its sign-ins hash a password each, which is not what is measured.
          chains: CHAINS / 2,
          rounds: ROUNDS,
          connections: CONNECTIONS,
          folder: join(folder.path, 'keycloak'),
          onStep: update,
        }),
      )
    : []

  const durable = 'refresh, bridge on postgres'
  const peer = 'refresh, oidc-provider in memory'
  const figures: Figures = {
    durable_vs_oidc_provider: ratio(rounds, durable, peer),
    durable_vs_memory: ratio(rounds, durable, 'refresh, bridge on memory'),
    sqlite_vs_postgres: ratio(rounds, 'refresh, bridge on sqlite', durable),
    p99_vs_oidc_provider: ratio(rounds, durable, peer, ({ p99 }) => p99),
    validate_vs_oidc_provider_introspect: ratio(
      rounds,
      'validate, bridge on postgres',
      'introspect, oidc-provider in memory',
    ),
    ...growth.figures,
    race_winners: winners,
    ...(keycloakRounds.length > 0
      ? {
          durable_vs_keycloak: ratio(keycloakRounds, durable, KEYCLOAK_REFRESH),
          rss_vs_keycloak: ratio(keycloakRounds, durable, KEYCLOAK_REFRESH, ({ memory }) => memory),
        }
      : {}),
  }

  const measured = [
    ...measurements(rounds),
    ...measurements(keycloakRounds).filter(({ what }) => what === KEYCLOAK_REFRESH),
  ]
  const { wal_syncs, commits, hot_update_share } = growth.details
  console.log(
    `\n${CHAINS} chains over ${CONNECTIONS} connections, median of ${BLOCKS * ROUNDS} rounds\n`,
  )
  console.log(measurementTable(measured))
  console.log(
    `\n${GROWTH.rotations} rotations of ${GROWTH.sessions} sessions: ${wal_syncs ?? 0} syncs of the log, ` +
      `${commits ?? 0} commits, ${((hot_update_share ?? 0) * 100).toFixed(1)} % HOT updates\n`,
  )
  console.log(figureTable(GOALS, figures))
  console.log(`\nDone in ${secondsSince(begin)}`)

  if (values.json === undefined) return
  const report = {
    ...figures,
    goals: goalReport(GOALS, figures),
    measurements: measured,
    growth: growth.details,
    machine: { cpus: cpus().map(({ model }) => model), node: process.version },
    rounds: rounds.map((round) =>
      Object.fromEntries(
        Object.entries(round).map(([what, result]) => [what, { ...result, tokens: undefined }]),
      ),
    ),
  }
  await writeReport(values.json, report)
}

await runCommand(bench)
