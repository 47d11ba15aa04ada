import t from 'tap'
import { figureTable, goalReport, isMet, type Goal } from '../bench/goals.ts'
import { ratio, ratios } from '../bench/series.ts'

const GOALS: Record<'fast' | 'small', Goal> = {
  fast: { at: 'least', goal: 2, meaning: 'requests' },
  small: { at: 'most', goal: 700, meaning: 'bytes' },
}

t.test('a goal that is reached exactly is met', (t) => {
  t.same(
    [1.99, 2, 3].map((value) => isMet(GOALS.fast, value)),
    [false, true, true],
  )
  t.same(
    [699, 700, 701].map((value) => isMet(GOALS.small, value)),
    [true, true, false],
  )
  t.end()
})

t.test('neighbours in time are compared, and the median is taken of that', (t) => {
  // The machine was twice as slow in the second round.
  const rounds = [
    { gate: 60, plain: 100 },
    { gate: 30, plain: 50 },
    { gate: 90, plain: 100 },
  ]
  const value = (result: number) => result
  t.same(ratios(rounds, 'gate', 'plain', value), [0.6, 0.6, 0.9])
  t.equal(ratio(rounds, 'gate', 'plain', value), 0.6)
  t.throws(() => ratios(rounds, 'gate', 'peer', value), { message: 'peer was not measured.' })
  t.end()
})

t.test('a figure that was not measured is not reported', (t) => {
  t.same(goalReport(GOALS, { small: 768 }), { small: { goal: '<= 700', met: false } })
  t.equal(
    figureTable(GOALS, { fast: 2.5 }, { 'by CPU': () => '2.40' }),
    ['      measured  by CPU  goal', 'fast      2.50    2.40  ≥ 2   met  requests'].join('\n'),
  )
  t.end()
})
