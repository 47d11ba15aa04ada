/** What the run is measured by, each with its goal. */
import type { Goal } from '../../e2e/bench/goals.ts'
import { table } from '../../e2e/bench/table.ts'

export const GOALS = {
  durable_vs_oidc_provider: {
    at: 'least',
    goal: 2,
    meaning: 'refreshes/s on PostgreSQL ÷ oidc-provider in memory',
  },
  durable_vs_memory: {
    at: 'least',
    goal: 0.85,
    meaning: 'refreshes/s on PostgreSQL ÷ the same bridge, sessions in memory',
  },
  sqlite_vs_postgres: {
    at: 'least',
    goal: 1,
    meaning: 'refreshes/s on SQLite ÷ on PostgreSQL',
  },
  p99_vs_oidc_provider: {
    at: 'most',
    goal: 1,
    meaning: 'p99 of a refresh on PostgreSQL ÷ oidc-provider in memory',
  },
  validate_vs_oidc_provider_introspect: {
    at: 'least',
    goal: 1.5,
    meaning: "validations/s on PostgreSQL ÷ oidc-provider's introspections/s",
  },
  rows_growth_per_million: {
    at: 'most',
    goal: 0,
    meaning: 'rows more in the whole database after a million refreshes',
  },
  table_growth: {
    at: 'most',
    goal: 1.5,
    meaning: 'size of the sessions table after the rotations ÷ before',
  },
  rotations_per_flush: {
    at: 'least',
    goal: 5,
    meaning: 'rotations ÷ syncs of the write-ahead log',
  },
  race_winners: {
    at: 'most',
    goal: 1,
    meaning: 'generations handed out to 20 refreshes of one token at once',
  },
  durable_vs_keycloak: {
    at: 'least',
    goal: 10,
    meaning: 'refreshes/s on PostgreSQL ÷ Keycloak on its default H2',
  },
  rss_vs_keycloak: {
    at: 'most',
    goal: 0.33,
    meaning: 'memory of bridge and PostgreSQL ÷ of Keycloak',
  },
} as const satisfies Record<string, Goal>

type FigureName = keyof typeof GOALS

export type Figures = Partial<Record<FigureName, number>>

/** One thing that was measured on the way to the figures. */
export interface Measurement {
  what: string
  /** Median over the rounds. */
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** Microseconds of CPU for one request, of the server and of its database. */
  serverCpu: number
  databaseCpu: number
  /** Megabytes of both together. */
  memory: number
}

/** The measurements for people. */
export const measurementTable = (measurements: readonly Measurement[]): string =>
  table([
    ['', 'req/s', 'p50 ms', 'p99 ms', 'server µs', 'database µs', 'MB'],
    ...measurements.map((each) => [
      each.what,
      each.perSecond.toFixed(0),
      each.p50.toFixed(1),
      each.p99.toFixed(1),
      each.serverCpu.toFixed(0),
      each.databaseCpu.toFixed(0),
      each.memory.toFixed(0),
    ]),
  ])
