/** Rounds in which the servers take turns: what the machine does beside hits all alike. */
import { join } from 'node:path'
import { startChild } from '../../e2e/bench/child.ts'
import { cpuSeconds, memoryMegabytes, treeOf } from '../../e2e/bench/processes.ts'
import { ratio as ratioOf, series, type Round as RoundOf } from '../../e2e/bench/series.ts'
import { median } from '../../e2e/bench/statistics.ts'
import type { PostgreSQL } from '../../e2e/stack/parts/postgresql.ts'
import { signIn, startBridge, type BridgeSetting, type Storage } from './bridge.ts'
import type { Measurement } from './figures.ts'
import type { LoadAnswer, LoadJob, LoadResult } from './load.ts'
import type { PeerReady } from './oidc-provider.ts'

/** Runs one job of the load generator. */
export type Load = (job: LoadJob) => Promise<LoadResult>

/** A job without its duration. */
export type Work = Omit<LoadJob, 'seconds' | 'requests' | 'connections'>

/** A server under measurement. */
export interface Running {
  /** What is measured with it, in this order. */
  work: Record<string, Work>
  pid: number
  /** Of the database server beside it. */
  databasePid?: number
  stop(): Promise<void>
}

/** A server that is started afresh in each block. */
export interface Contestant {
  start(): Promise<Running>
}

/** What one round gave, by what was measured. */
export type Round = RoundOf<TurnResult>

interface TurnResult extends LoadResult {
  /** Microseconds of CPU for one request. */
  serverCpu: number
  databaseCpu: number
  /** Megabytes of server and database together, at the end of the turn. */
  memory: number
}

export interface RoundOptions {
  /** How often all are started afresh, */
  blocks: number
  /** and how many turns each gets then. */
  rounds: number
  connections: number
  /** Seconds, once in a block. */
  warmUp: number
  /** Seconds at the beginning of each turn that do not count, */
  settle: number
  /** and those that do. */
  measured: number
  onBlock(block: number): void
}

/** The bridge, refreshing and, on PostgreSQL, validating. */
export const bridgeContestant = (
  storage: Storage,
  setting: BridgeSetting,
  postgresql: PostgreSQL,
  chains: number,
): Contestant => ({
  start: async () => {
    const bridge = await startBridge(storage, setting)
    try {
      const { refreshTokens, accessTokens } = await signIn(bridge, chains)
      const { origin, authorization, audience } = bridge
      const refresh: Work = { origin, exchange: 'bridgeRefresh', caller: {}, tokens: refreshTokens }
      const validate: Work = {
        origin,
        exchange: 'bridgeValidate',
        caller: { authorization, audience },
        tokens: accessTokens,
      }
      return {
        work: {
          [`refresh, bridge on ${storage}`]: refresh,
          ...(storage === 'postgres' ? { 'validate, bridge on postgres': validate } : {}),
        },
        pid: bridge.part.pid,
        ...(storage === 'postgres' ? { databasePid: postgresql.part.pid } : {}),
        stop: () => bridge.part.stop(),
      }
    } catch (error) {
      await bridge.part.stop()
      throw error
    }
  },
})

/** oidc-provider in memory, refreshing or introspecting. */
export const oidcProviderContestant = (
  does: 'refresh' | 'introspect',
  chains: number,
): Contestant => ({
  start: async () => {
    const format = does === 'refresh' ? 'jwt' : 'opaque'
    const child = startChild(join(import.meta.dirname, 'oidc-provider.ts'), [
      format,
      String(chains),
    ])
    const { origin, client_id, authorization, tokens } = await child.answer<PeerReady>()
    const work: Work =
      does === 'refresh'
        ? { origin, exchange: 'oauthRefresh', caller: { client_id }, tokens }
        : { origin, exchange: 'oauthIntrospect', caller: { authorization }, tokens }
    return {
      work: { [`${does}, oidc-provider in memory`]: work },
      pid: child.pid,
      stop: () => child.stop(),
    }
  },
})

/** Starts the load generator. */
export function startLoad(): { load: Load; stop: () => Promise<void> } {
  const child = startChild(join(import.meta.dirname, 'load.ts'))
  return {
    load: async (job) => {
      child.send(job)
      const answer = await child.answer<LoadAnswer>()
      if ('error' in answer) throw new Error(answer.error)
      return answer.result
    },
    stop: () => child.stop(),
  }
}

/** Seconds of CPU that a process and all below it have used, those that ended included. */
const cpuOf = (pid: number | undefined): number => (pid === undefined ? 0 : cpuSeconds(treeOf(pid)))

async function measure(
  { pid, databasePid }: Running,
  work: Work,
  load: Load,
  { connections, settle, measured }: RoundOptions,
): Promise<TurnResult> {
  // It was idle for a while: caches are cold, and connections to the database were closed.
  const { tokens } = await load({ ...work, connections, seconds: settle })
  const before = { server: cpuOf(pid), database: cpuOf(databasePid) }
  const result = await load({ ...work, tokens, connections, seconds: measured })
  const perRequest = (seconds: number): number => (seconds / result.requests) * 1e6
  return {
    ...result,
    serverCpu: perRequest(cpuOf(pid) - before.server),
    databaseCpu: perRequest(cpuOf(databasePid) - before.database),
    memory: memoryMegabytes([pid, databasePid].flatMap((root) => (root ? treeOf(root) : []))),
  }
}

/** Gives back the servers, the last first. */
async function stopAll(servers: readonly Running[]): Promise<void> {
  for (const server of servers.toReversed()) await server.stop()
}

/** Starts all contestants afresh, warms them up and lets them take turns. */
async function takeBlock(
  contestants: readonly Contestant[],
  load: Load,
  options: RoundOptions,
): Promise<Round[]> {
  const servers: Running[] = []
  try {
    const turns: { what: string; server: Running; work: Work }[] = []
    for (const contestant of contestants) {
      const server = await contestant.start()
      servers.push(server)
      for (const [what, work] of Object.entries(server.work)) turns.push({ what, server, work })
    }
    const { connections, warmUp } = options
    for (const turn of turns) {
      const { tokens } = await load({ ...turn.work, connections, seconds: warmUp })
      turn.work = { ...turn.work, tokens }
    }
    const rounds: Round[] = []
    for (let index = 0; index < options.rounds; index++) {
      const round: Round = {}
      // In another order each time: whoever comes after a heavy one may find the machine hotter.
      for (const turn of index % 2 === 0 ? turns : turns.toReversed()) {
        const result = await measure(turn.server, turn.work, load, options)
        turn.work = { ...turn.work, tokens: result.tokens }
        round[turn.what] = result
      }
      rounds.push(round)
    }
    return rounds
  } finally {
    await stopAll(servers)
  }
}

/**
 * Lets the contestants take turns of a few seconds, in fresh processes for each block of rounds.
 * All of a block's servers run all the time; those whose turn it is not are idle.
 */
export async function takeTurns(
  contestants: readonly Contestant[],
  load: Load,
  options: RoundOptions,
): Promise<Round[]> {
  const rounds: Round[] = []
  for (let block = 0; block < options.blocks; block++) {
    rounds.push(...(await takeBlock(contestants, load, options)))
    options.onBlock(block + 1)
  }
  return rounds
}

const perSecond = ({ requests, seconds }: LoadResult): number => requests / seconds

/** The median over the rounds of a ratio within each. */
export const ratio = (
  rounds: readonly Round[],
  above: string,
  below: string,
  value: (result: TurnResult) => number = perSecond,
): number => ratioOf(rounds, above, below, value)

/** All that was measured, each by its medians. */
export const measurements = (rounds: readonly Round[]): Measurement[] =>
  Object.keys(rounds[0] ?? {})
    .sort()
    .map((what) => ({
      what,
      perSecond: median(series(rounds, what, perSecond)),
      p50: median(series(rounds, what, ({ p50 }) => p50)),
      p99: median(series(rounds, what, ({ p99 }) => p99)),
      serverCpu: median(series(rounds, what, ({ serverCpu }) => serverCpu)),
      databaseCpu: median(series(rounds, what, ({ databaseCpu }) => databaseCpu)),
      memory: median(series(rounds, what, ({ memory }) => memory)),
    }))
