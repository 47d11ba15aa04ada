/** What the run is measured by, each with its goal. */
import type { Goal } from '../../e2e/bench/goals.ts'
import { table } from '../../e2e/bench/table.ts'

export const GOALS = {
  memo_vs_plain: {
    at: 'least',
    goal: 0.85,
    meaning: 'one token, a static file ÷ no protection',
  },
  memo_vs_plain_proxied: {
    at: 'least',
    goal: 0.95,
    meaning: 'the same in front of a keep-alive upstream',
  },
  memo_100k_vs_memo_1: {
    at: 'least',
    goal: 0.7,
    meaning: '100,000 tokens in turn, all seen before ÷ one token',
  },
  memo_vs_c_module: {
    at: 'least',
    goal: 6,
    meaning: 'one token, ES256 ÷ libnginx-mod-http-auth-jwt',
  },
  first_seen_vs_c_module: {
    at: 'least',
    goal: 1.3,
    meaning: 'a new token each time, ES256 ÷ libnginx-mod-http-auth-jwt',
  },
  first_seen_vs_openssl: {
    at: 'least',
    goal: 0.6,
    meaning: 'a new token each time ÷ bare verifications on that core',
  },
  memo_vs_auth_request_node: {
    at: 'least',
    goal: 5,
    meaning: 'one token ÷ auth_request to Fastify with fast-jwt, cached',
  },
  revocations_100k_vs_none: {
    at: 'least',
    goal: 0.95,
    meaning: 'one token, 100,000 revocations loaded ÷ none',
  },
  bytes_per_token: {
    at: 'most',
    goal: 700,
    meaning: 'bytes of the zone for a token that was seen',
  },
  rs256_first_seen_vs_c_module: {
    at: 'least',
    goal: 1,
    meaning: 'a new token each time, RS256 ÷ libnginx-mod-http-auth-jwt',
  },
} as const satisfies Record<string, Goal>

export type FigureName = keyof typeof GOALS

/** One thing that was measured on the way to the figures. */
export interface Measurement {
  what: string
  /** Median over the rounds, and the extremes. */
  perSecond: number
  slowest: number
  fastest: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** Microseconds of CPU for one request: of the worker, of what it asks, and of wrk. */
  workerCpu: number
  besideCpu: number
  wrkCpu: number
  /** Which share of its core the worker used. */
  workerBusy: number
}

const fixed = (value: number, digits: number): string =>
  Number.isNaN(value) || value === 0 ? '' : value.toFixed(digits)

/** The measurements for people. */
export const measurementTable = (measurements: readonly Measurement[]): string =>
  table([
    ['', 'req/s', 'from', 'to', 'p50 ms', 'p99 ms', 'worker µs', 'busy', 'beside µs', 'wrk µs'],
    ...measurements.map((each) => [
      each.what,
      each.perSecond.toFixed(0),
      each.slowest.toFixed(0),
      each.fastest.toFixed(0),
      fixed(each.p50, 2),
      fixed(each.p99, 2),
      each.workerCpu.toFixed(1),
      each.workerBusy.toFixed(2),
      fixed(each.besideCpu, 1),
      fixed(each.wrkCpu, 1),
    ]),
  ])
