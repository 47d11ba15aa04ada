/** What a great many rotations leave behind in PostgreSQL. */
import { BRIDGE_DATABASE, type PostgreSQL } from '../../e2e/stack/parts/postgresql.ts'
import { signIn, startBridge, type Bridge, type BridgeSetting } from './bridge.ts'
import type { Figures } from './figures.ts'
import type { Load } from './rounds.ts'

interface DatabaseState {
  /** In all tables of the database. */
  rows: number
  /** Bytes of the sessions table with its indexes. */
  size: number
  updates: number
  hotUpdates: number
  commits: number
  walSyncs: number
}

async function stateOf(postgresql: PostgreSQL): Promise<DatabaseState> {
  const tables = await postgresql.query<{ name: string }>(
    BRIDGE_DATABASE,
    `SELECT format('%I.%I', schemaname, relname) AS name FROM pg_stat_user_tables`,
  )
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await postgresql.query<{ count: number }>(
        BRIDGE_DATABASE,
        `SELECT count(*)::int AS count FROM ${name}`,
      )
      return row?.count ?? 0
    }),
  )
  const [state] = await postgresql.query<Omit<DatabaseState, 'rows'>>(
    BRIDGE_DATABASE,
    `SELECT pg_total_relation_size('sessions')::float8 AS size,
            n_tup_upd::float8 AS updates, n_tup_hot_upd::float8 AS "hotUpdates",
            (SELECT xact_commit::float8 FROM pg_stat_database
              WHERE datname = current_database()) AS commits,
            (SELECT wal_sync::float8 FROM pg_stat_wal) AS "walSyncs"
       FROM pg_stat_user_tables WHERE relname = 'sessions'`,
  )
  if (state === undefined) throw new Error('The database has no table of sessions.')
  return { ...state, rows: counts.reduce((sum, count) => sum + count, 0) }
}

export interface Growth {
  figures: Figures
  /** For the JSON file. */
  details: Record<string, number>
}

/**
 * Rotates sessions many times. The bridge is stopped before each look at the database: its
 * connections report what they did when they end, and only then with certainty.
 */
export async function measureGrowth(
  postgresql: PostgreSQL,
  setting: BridgeSetting,
  load: Load,
  {
    sessions,
    rotations,
    connections,
  }: { sessions: number; rotations: number; connections: number },
): Promise<Growth> {
  const withBridge = async <T>(work: (bridge: Bridge) => Promise<T>): Promise<T> => {
    const bridge = await startBridge('postgres', setting)
    try {
      return await work(bridge)
    } finally {
      await bridge.part.stop()
    }
  }
  // Other rounds left their sessions; this table is to be as a thousand sign-ins make it.
  await withBridge(() => postgresql.query(BRIDGE_DATABASE, 'TRUNCATE sessions'))
  const { refreshTokens } = await withBridge((bridge) => signIn(bridge, sessions))
  const before = await stateOf(postgresql)
  await withBridge((bridge) =>
    load({
      origin: bridge.origin,
      exchange: 'bridgeRefresh',
      caller: {},
      tokens: refreshTokens,
      connections,
      requests: rotations,
    }),
  )
  const after = await stateOf(postgresql)
  const updates = after.updates - before.updates
  const walSyncs = after.walSyncs - before.walSyncs
  return {
    figures: {
      rows_growth_per_million: ((after.rows - before.rows) / rotations) * 1e6,
      table_growth: after.size / before.size,
      rotations_per_flush: rotations / walSyncs,
    },
    details: {
      rotations,
      sessions,
      wal_syncs: walSyncs,
      commits: after.commits - before.commits,
      hot_update_share: (after.hotUpdates - before.hotUpdates) / updates,
      bytes_before: before.size,
      bytes_after: after.size,
    },
  }
}
