import fc from 'fast-check'
import { test } from 'tap'
import type { Session } from '../../src/sessions/port.ts'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { openStore } from '../../src/sessions/store.ts'
import { rotate, type RotationRules } from '../../src/tokens/rotation.ts'
import { newSession, START } from '../session-store.ts'

const SECOND = 1000
const DAY = 86_400 * SECOND
const RULES: RotationRules = {
  grace: 30 * SECOND,
  idleTtl: 60 * DAY,
  lateBudget: 2,
  lateWindow: 30 * DAY,
  tolerance: 100_000 * DAY,
}

/** By how much the clocks of two bridges differ at most, one way. */
const SKEW = 2 * SECOND

/** A session that none of the plans is long enough to outlive. */
const longSession = (): Session => ({
  ...newSession(),
  expires_at: START + RULES.idleTtl,
  absolute_expires_at: START + 10_000 * DAY,
})

/** One turn of somebody who holds a token. */
interface Turn {
  who: 'owner' | 'thief'
  /** Before anything else the thief copies the owner's cookie. */
  steals: boolean
  /** Milliseconds since the turn before. */
  pause: number
  /** Tabs, or impatient repeats, that show the same token at once. */
  tabs: number
  /** The answer does not arrive: whoever asked keeps the old token. */
  lost: boolean
  /** Of the bridge that answers, against the true time. */
  skew: number
}

const turns = (who: Turn['who'][], pauses: number[]) =>
  fc.array(
    fc.record<Turn>({
      who: fc.constantFrom(...who),
      steals: fc.boolean(),
      pause: fc.constantFrom(...pauses),
      tabs: fc.constantFrom(1, 1, 1, 2, 5),
      lost: fc.boolean(),
      skew: fc.constantFrom(-SKEW, 0, SKEW),
    }),
    { minLength: 1, maxLength: 40 },
  )

/** What one turn led to. */
interface Move {
  turn: Turn
  /** Of the token that was shown. */
  shown: number
  /** Of the row before. */
  before: number
  outcomes: string[]
  /** Of the tokens that were given. */
  given: number[]
  /** Of the row afterwards. */
  after: number
  over: boolean
  at: number
}

/** Plays a plan on a fresh session of the real store. */
async function play(plan: readonly Turn[]): Promise<Move[]> {
  const store = await stores
  const { sid } = await insert(longSession())
  const held = { owner: 0, thief: 0 }
  const moves: Move[] = []
  let now = START
  for (const turn of plan) {
    now += turn.pause
    if (turn.steals) held.thief = held.owner
    const shown = held[turn.who]
    const before = (await store.get(sid))?.generation ?? -1
    const results = await Promise.all(
      Array.from({ length: turn.tabs }, () => rotate(store, RULES, sid, shown, now + turn.skew)),
    )
    const given = results.flatMap((result) =>
      result.outcome === 'reuse' || result.outcome === 'ended' ? [] : [result.session.generation],
    )
    const row = await store.get(sid)
    const [first] = given
    if (!turn.lost && first !== undefined) held[turn.who] = first
    moves.push({
      turn,
      shown,
      before,
      outcomes: results.map(({ outcome }) => outcome),
      given,
      after: row?.generation ?? -1,
      over: row?.revoked_at !== null,
      at: now,
    })
  }
  return moves
}

const stores = openStore(openSqlite(':memory:'))
const insert = async (made: Session): Promise<Session> => {
  await (await stores).insert(made)
  return made
}

const isOver = ({ outcomes }: Move): boolean =>
  outcomes.some((outcome) => outcome === 'reuse' || outcome === 'ended')

const holds = (plans: ReturnType<typeof turns>, check: (moves: Move[]) => boolean): Promise<void> =>
  fc.assert(
    fc.asyncProperty(plans, async (plan) => check(await play(plan))),
    { numRuns: 400 },
  )

const ANY_PAUSE = [0, 1, 29 * SECOND, 31 * SECOND, 3600 * SECOND, DAY, 9 * DAY]
const BOTH: Turn['who'][] = ['owner', 'thief']

test('never two live lineages: what is given is always of the one generation of the row', (t) =>
  holds(turns(BOTH, ANY_PAUSE), (moves) =>
    moves.every(
      ({ given, before, after }) =>
        after >= before && after <= before + 1 && given.every((generation) => generation === after),
    ),
  ).then(() => t.pass()))

test('an honest client that repeats within the grace period is never signed out', (t) =>
  holds(turns(['owner'], [0, 1, SECOND, RULES.grace - 2 * SKEW]), (moves) => {
    // Whoever lost an answer asks again soon: never more than the grace period after the rotation.
    let rotatedAt = START
    let honest = true
    for (const move of moves) {
      const late = move.shown < move.before && move.at - rotatedAt > RULES.grace - 2 * SKEW
      if (late) honest = false
      if (honest && isOver(move)) return false
      if (move.after > move.before) rotatedAt = move.at
    }
    return true
  }).then(() => t.pass()))

test('nor one that lost an answer and comes back hours later, up to the budget', (t) =>
  holds(turns(['owner'], [0, SECOND, 3600 * SECOND, DAY]), (moves) => {
    let rotatedAt = START
    const late: number[] = []
    for (const move of moves) {
      if (move.shown < move.before && move.at - rotatedAt > RULES.grace - 2 * SKEW) {
        // Each tab that asks too late spends of the budget.
        late.push(...Array.from({ length: move.turn.tabs }, () => move.at))
      }
      const recent = late.filter((at) => move.at - at <= RULES.lateWindow + 2 * SKEW)
      if (recent.length <= RULES.lateBudget && isOver(move)) return false
      if (recent.length > RULES.lateBudget) return true
      if (move.after > move.before) rotatedAt = move.at
    }
    return true
  }).then(() => t.pass()))

test('whatever order thief and owner take turns in, no more than the budget is given late', (t) =>
  holds(turns(BOTH, ANY_PAUSE), (moves) => {
    const late = moves.flatMap(({ outcomes, at }) =>
      outcomes.filter((outcome) => outcome === 'repeated_late').map(() => at),
    )
    // The window begins with the first of them, so two windows may meet: twice the budget in any.
    const inOneWindow = (begin: number) =>
      late.filter((at) => at >= begin && at < begin + RULES.lateWindow - 2 * SKEW).length
    const first = late[0] ?? START
    return inOneWindow(first) <= RULES.lateBudget && late.every((at) => inOneWindow(at) <= 4)
  }).then(() => t.pass()))

test('an older generation ends the session at once, and over is over for everybody', (t) =>
  holds(turns(BOTH, ANY_PAUSE), (moves) => {
    let over = false
    for (const move of moves) {
      if (over && move.outcomes.some((outcome) => outcome !== 'ended')) return false
      if (!over && move.shown < move.before - 1 && !move.over) return false
      over ||= move.over
    }
    return true
  }).then(() => t.pass()))

test('a thief who only shows predecessors is out when the budget is spent', (t) =>
  fc
    .assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 31, max: 86_400 }), { minLength: 3, maxLength: 6 }),
        async (waits) => {
          const owner: Turn = {
            who: 'owner',
            steals: false,
            pause: SECOND,
            tabs: 1,
            lost: false,
            skew: 0,
          }
          const thief: Turn[] = waits.map((seconds) => ({
            ...owner,
            who: 'thief',
            pause: seconds * SECOND,
            lost: true,
          }))
          // Stolen before the owner's refresh: from then on the thief holds a predecessor.
          const moves = await play([{ ...owner, steals: true }, ...thief])
          const outcomes = moves.slice(1).map((move) => move.outcomes[0])
          return (
            outcomes.slice(0, 2).every((outcome) => outcome === 'repeated_late') &&
            outcomes[2] === 'reuse' &&
            outcomes.slice(3).every((outcome) => outcome === 'ended')
          )
        },
      ),
      { numRuns: 50 },
    )
    .then(() => t.pass()))
