/** What is measured, and which of it is divided by which. */
import { ratios } from '../../e2e/bench/series.ts'
import { median } from '../../e2e/bench/statistics.ts'
import type { FigureName } from './figures.ts'
import type { Round, TurnResult } from './rounds.ts'

export const PLAIN = 'no protection'
export const MEMO = 'gate, one token'
export const MEMO_REVOCATIONS = 'gate, one token, 100,000 revocations'
export const C_MODULE = 'C module, one token'
export const AUTH_REQUEST = 'auth_request to Fastify, one token'
export const PLAIN_PROXIED = 'no protection, proxied'
export const MEMO_PROXIED = 'gate, one token, proxied'
export const MEMO_WALK_1 = 'gate, one token in turn'
export const MEMO_WALK_100K = 'gate, 100,000 tokens in turn'
export const C_MODULE_NEW = 'C module, new tokens'
export const FIRST_SEEN = 'gate, new tokens'
export const OPENSSL = 'openssl speed, ES256 verifications'
export const C_MODULE_RS256 = 'C module, new tokens, RS256'
export const FIRST_SEEN_RS256 = 'gate, new tokens, RS256'

/** All figures but those that are no ratio. */
export type RatioName = Exclude<FigureName, 'bytes_per_token'>

const RATIOS: Record<RatioName, readonly [above: string, below: string]> = {
  memo_vs_plain: [MEMO, PLAIN],
  memo_vs_plain_proxied: [MEMO_PROXIED, PLAIN_PROXIED],
  memo_100k_vs_memo_1: [MEMO_WALK_100K, MEMO_WALK_1],
  memo_vs_c_module: [MEMO, C_MODULE],
  first_seen_vs_c_module: [FIRST_SEEN, C_MODULE_NEW],
  first_seen_vs_openssl: [FIRST_SEEN, OPENSSL],
  memo_vs_auth_request_node: [MEMO, AUTH_REQUEST],
  revocations_100k_vs_none: [MEMO_REVOCATIONS, MEMO],
  rs256_first_seen_vs_c_module: [FIRST_SEEN_RS256, C_MODULE_RS256],
}

const byRate = ({ perSecond }: TurnResult): number => perSecond

/** Requests per second of CPU, that of what nginx asks included. */
const byCpu = ({ workerCpu, besideCpu }: TurnResult): number => 1e6 / (workerCpu + besideCpu)

export interface Comparison {
  /** Ratio of requests per second: median over the rounds, and the extremes. */
  rate: number
  lowest: number
  highest: number
  /** Ratio of requests per second of CPU, median. */
  cpu: number
}

/** Compares within each round what took its turn there. */
export function compare(rounds: readonly Round[]): Record<RatioName, Comparison> {
  const comparisons = Object.entries(RATIOS).map(([name, [above, below]]) => {
    const rates = ratios(rounds, above, below, byRate)
    const comparison: Comparison = {
      rate: median(rates),
      lowest: Math.min(...rates),
      highest: Math.max(...rates),
      cpu: median(ratios(rounds, above, below, byCpu)),
    }
    return [name, comparison]
  })
  return Object.fromEntries(comparisons) as Record<RatioName, Comparison>
}
