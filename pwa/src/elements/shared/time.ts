const STEPS: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/**
 * "3 hours ago".
 * @param then seconds since 1970
 * @param now milliseconds since 1970
 * @param language of the words, as BCP 47 has it
 */
export function sinceThen(then: number, now: number, language: string): string {
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  // A clock that runs behind must not speak of the future.
  const seconds = Math.max(0, now / 1000 - then)
  const step = STEPS.find(([, size]) => seconds >= size)
  return step ? words.format(-Math.floor(seconds / step[1]), step[0]) : words.format(0, 'minute')
}

/** "3 November 2026". @param at seconds since 1970 */
export const dateOf = (at: number, language: string): string =>
  new Date(at * 1000).toLocaleDateString(language, { dateStyle: 'long' })

/**
 * "14:02", and the day with it where that is another one.
 * @param at milliseconds since 1970
 * @param now milliseconds since 1970
 */
export function asOf(at: number, now: number, language: string): string {
  const then = new Date(at)
  return then.toDateString() === new Date(now).toDateString()
    ? then.toLocaleTimeString(language, { timeStyle: 'short' })
    : then.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
}
