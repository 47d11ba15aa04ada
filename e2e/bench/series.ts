/** What rounds gave: in each, everything was measured once, one soon after the other. */
import { median } from './statistics.ts'

/** What one round gave, by what was measured. */
export type Round<Result> = Record<string, Result>

/**
 * A value of each round, in their order.
 * @throws TypeError if a round lacks it
 */
export function series<Result>(
  rounds: readonly Round<Result>[],
  what: string,
  value: (result: Result) => number,
): number[] {
  return rounds.map((round) => {
    const result = round[what]
    if (result === undefined) throw new TypeError(`${what} was not measured.`)
    return value(result)
  })
}

/** A ratio within each round: neighbours in time are compared. */
export function ratios<Result>(
  rounds: readonly Round<Result>[],
  above: string,
  below: string,
  value: (result: Result) => number,
): number[] {
  const divisors = series(rounds, below, value)
  return series(rounds, above, value).map((each, index) => each / (divisors[index] ?? NaN))
}

/** The median over the rounds of such a ratio. */
export const ratio = <Result>(
  rounds: readonly Round<Result>[],
  above: string,
  below: string,
  value: (result: Result) => number,
): number => median(ratios(rounds, above, below, value))
