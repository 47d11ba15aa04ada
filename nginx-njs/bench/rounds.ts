/** Rounds in which everything takes its turn: what the machine does beside hits all alike. */
import { cpuSeconds, treeOf } from '../../e2e/bench/processes.ts'
import { series, type Round as RoundOf } from '../../e2e/bench/series.ts'
import { median } from '../../e2e/bench/statistics.ts'
import type { Measurement } from './figures.ts'
import type { LocationName, Nginx } from './nginx.ts'
import { opensslVerifications } from './openssl.ts'
import { load, type LoadResult, type TokenFile } from './wrk.ts'

/** What is measured with wrk. */
export interface Contestant {
  nginx: Nginx
  location: LocationName
  /** A live token, which all requests show; with `walk`, only those before the measurement. */
  token: string
  walk?: {
    file: TokenFile
    /** Whether nginx has met these tokens already; if not, it meets each of them once. */
    met: boolean
  }
  /** A process that works for nginx at each request. */
  besidePid?: number
}

/** What one turn gave. */
export interface TurnResult {
  perSecond: number
  /** Milliseconds; of openssl unknown. */
  p50?: number
  p99?: number
  /** Microseconds of CPU for one request: of the worker, of what it asks, and of wrk. */
  workerCpu: number
  besideCpu: number
  wrkCpu: number
  /** Which share of its core the worker used. */
  workerBusy: number
}

export type Round = RoundOf<TurnResult>

export interface TurnOptions {
  /** Whole seconds at the beginning of each turn that do not count, */
  settle: number
  /** and those that do. */
  measured: number
}

/** One measurement. */
export type Turn = (options: TurnOptions) => Promise<TurnResult>

/** Where in a file of tokens the next turn begins. */
const anywhereIn = ({ count }: TokenFile): number => Math.floor(Math.random() * count)

function turnResult(
  { requests, seconds, p50, p99, cpu }: LoadResult,
  used: { worker: number; beside: number },
): TurnResult {
  const perRequest = (total: number): number => (total / requests) * 1e6
  return {
    perSecond: requests / seconds,
    p50,
    p99,
    workerCpu: perRequest(used.worker),
    besideCpu: perRequest(used.beside),
    wrkCpu: perRequest(cpu),
    workerBusy: used.worker / seconds,
  }
}

/** Measures with wrk. */
export const wrkTurn =
  ({ nginx, location, token, walk, besidePid }: Contestant): Turn =>
  async ({ settle, measured }) => {
    if (walk?.met === false) await nginx.restart()
    const url = nginx.url(location)
    const show =
      walk === undefined ? token : { file: walk.file, first: walk.met ? anywhereIn(walk.file) : 0 }
    await load({ url, show: walk?.met === true ? show : token, seconds: settle })

    const beside = (): number => (besidePid === undefined ? 0 : cpuSeconds(treeOf(besidePid)))
    const before = { worker: nginx.cpu(), beside: beside() }
    const result = await load({ url, show, seconds: measured })
    const used = { worker: nginx.cpu() - before.worker, beside: beside() - before.beside }
    if (walk?.met === false && result.requests > walk.file.count) {
      throw new Error(`${walk.file.count} tokens are too few: ${result.requests} were shown.`)
    }
    return turnResult(result, used)
  }

/** Measures bare verifications, as if each were a request. */
export const opensslTurn: Turn = async () => {
  const perSecond = await opensslVerifications(1)
  return { perSecond, workerCpu: 1e6 / perSecond, besideCpu: 0, wrkCpu: 0, workerBusy: 1 }
}

/** Lets all take turns, in their order and back. @param onRound called after each round */
export async function takeTurns(
  turns: Record<string, Turn>,
  rounds: number,
  options: TurnOptions,
  onRound: (round: number) => void,
): Promise<Round[]> {
  const taken: Round[] = []
  const order = Object.entries(turns)
  while (taken.length < rounds) {
    const round: Round = {}
    // The other way round each time: whoever comes after a heavy one may find the machine hotter.
    for (const [what, turn] of taken.length % 2 === 0 ? order : order.toReversed()) {
      round[what] = await turn(options)
    }
    taken.push(round)
    onRound(taken.length)
  }
  return taken
}

/** All that was measured, each by its medians. */
export const measurements = (rounds: readonly Round[]): Measurement[] =>
  Object.keys(rounds[0] ?? {}).map((what) => {
    const of = (value: (result: TurnResult) => number): number[] => series(rounds, what, value)
    const rates = of(({ perSecond }) => perSecond)
    return {
      what,
      perSecond: median(rates),
      slowest: Math.min(...rates),
      fastest: Math.max(...rates),
      p50: median(of(({ p50 = NaN }) => p50)),
      p99: median(of(({ p99 = NaN }) => p99)),
      workerCpu: median(of(({ workerCpu }) => workerCpu)),
      besideCpu: median(of(({ besideCpu }) => besideCpu)),
      wrkCpu: median(of(({ wrkCpu }) => wrkCpu)),
      workerBusy: median(of(({ workerBusy }) => workerBusy)),
    }
  })
