/** Figures beside what they should be. */
import { table } from './table.ts'

/** What a figure is measured by. */
export interface Goal {
  /** Whether more or less is better. */
  at: 'least' | 'most'
  goal: number
  meaning: string
}

/** Whether a figure is where it should be. */
export const isMet = ({ at, goal }: Goal, value: number): boolean =>
  at === 'least' ? value >= goal : value <= goal

const rounded = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)

/**
 * The figures that were measured, each beside its goal, for people.
 * @param columns further values of a figure, by the heading of their column
 */
export function figureTable<Name extends string>(
  goals: Record<Name, Goal>,
  figures: Partial<Record<Name, number>>,
  columns: Record<string, (name: Name) => string> = {},
): string {
  const further = Object.values(columns)
  return table([
    ['', 'measured', ...Object.keys(columns), 'goal', '', ''],
    ...(Object.keys(goals) as Name[]).flatMap((name) => {
      const value = figures[name]
      if (value === undefined) return []
      const { at, goal, meaning } = goals[name]
      return [
        [
          name,
          rounded(value),
          ...further.map((column) => column(name)),
          `${at === 'least' ? '≥' : '≤'} ${goal}`,
          isMet(goals[name], value) ? 'met' : 'below',
          meaning,
        ],
      ]
    }),
  ])
}

/** The goals of the figures that were measured, for the JSON file. */
export const goalReport = <Name extends string>(
  goals: Record<Name, Goal>,
  figures: Partial<Record<Name, number>>,
): Record<string, { goal: string; met: boolean }> =>
  Object.fromEntries(
    (Object.keys(goals) as Name[]).flatMap((name) => {
      const value = figures[name]
      if (value === undefined) return []
      const { at, goal } = goals[name]
      const met = isMet(goals[name], value)
      return [[name, { goal: `${at === 'least' ? '>=' : '<='} ${goal}`, met }]]
    }),
  )
