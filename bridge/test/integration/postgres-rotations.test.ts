import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import type { Rotation, Session } from '../../src/sessions/port.ts'
import { openPostgres } from '../../src/sessions/postgres.ts'
import { openStore } from '../../src/sessions/store.ts'
import { newSession } from '../session-store.ts'

const url = readStack().inside.bridgeDatabaseUrl
const DAY = 86_400_000

const open = () =>
  openStore(
    openPostgres(url, (error) => {
      throw error
    }),
  )

const move = (sid: string, generation: number, now: number): Rotation => ({
  sid,
  generation,
  now,
  idleTtl: DAY,
  checkedAfter: now - DAY,
})

const sessionsOf = (count: number): Session[] =>
  Array.from({ length: count }, () => ({ ...newSession(), sid: randomUUID() }))

test('rotations that arrive together are one transaction, each with its own answer', async (t) => {
  const store = await open()
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => Promise.all([store.close(), client.end()]))
  const sessions = sessionsOf(50)
  await Promise.all(sessions.map((session) => store.insert(session)))

  const now = sessions[0]?.created_at ?? 0
  const answers = await Promise.all(
    sessions.map(({ sid }, index) =>
      // Every fifth shows a generation that it has not got.
      store.rotate(move(sid, index % 5 === 0 ? 7 : 0, now + 1)),
    ),
  )
  t.equal(answers.filter((answer) => answer === undefined).length, 10)
  t.ok(
    answers.every((answer, index) => answer === undefined || answer.sid === sessions[index]?.sid),
  )
  const { rows } = await client.query<{ transactions: number }>(
    'SELECT count(DISTINCT xmin::text)::int AS transactions FROM sessions WHERE sid = ANY($1) AND generation = 1',
    [sessions.map(({ sid }) => sid)],
  )
  t.equal(rows[0]?.transactions, 1)
})

test('one session twice at once: one after the other', async (t) => {
  const store = await open()
  t.teardown(() => store.close())
  const [session = newSession()] = sessionsOf(1)
  await store.insert(session)
  const now = session.created_at
  const answers = await Promise.all(
    [0, 0, 1].map((generation) => store.rotate(move(session.sid, generation, now))),
  )
  t.same(
    answers.map((answer) => answer?.generation),
    [1, undefined, 2],
  )
})

test('a deadlock with another bridge is tried again', async (t) => {
  const store = await open()
  const other = new pg.Client(url)
  await other.connect()
  t.teardown(() => Promise.all([store.close(), other.end()]))
  const [first = newSession(), second = newSession()] = sessionsOf(2).sort((a, b) =>
    a.sid < b.sid ? -1 : 1,
  )
  await store.insert(first)
  await store.insert(second)
  const lock = 'SELECT FROM sessions WHERE sid = $1 FOR UPDATE'
  const waitingFor = async (pid: number) => {
    const { rows } = await observer.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))',
      [pid],
    )
    return rows.length > 0
  }
  const observer = new pg.Client(url)
  await observer.connect()
  t.teardown(() => observer.end())
  const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const pid = rows[0]?.pid ?? 0

  // The other one locks against the order, as a bridge never would: it has the second row, and
  // wants the first when the batch has that and waits for the second.
  await other.query('BEGIN')
  await other.query(lock, [second.sid])
  const now = first.created_at
  const batch = Promise.all([first, second].map(({ sid }) => store.rotate(move(sid, 0, now))))
  while (!(await waitingFor(pid)));
  // Whoever has waited longest looks for a deadlock first, and gives up: the batch.
  await other.query(lock, [first.sid])
  await other.query('COMMIT')
  t.same(
    (await batch).map((answer) => answer?.generation),
    [1, 1],
  )
})

test('two bridges, many batches of the same sessions: none is lost, none counts twice', async (t) => {
  const bridges = [await open(), await open()] as const
  t.teardown(() => Promise.all(bridges.map((store) => store.close())))
  const sessions = sessionsOf(20)
  await Promise.all(sessions.map((session) => bridges[0].insert(session)))
  const now = sessions[0]?.created_at ?? 0
  let won = 0
  for (let generation = 0; generation < 20; generation++) {
    const answers = await Promise.all(
      bridges.flatMap((store, index) =>
        (index ? sessions : sessions.toReversed()).map(({ sid }) =>
          store.rotate(move(sid, generation, now)),
        ),
      ),
    )
    won += answers.filter(Boolean).length
  }
  t.equal(won, 20 * 20)
})

test('rotations leave the table as large as it was', async (t) => {
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  const figures = async () => {
    const { rows } = await client.query<{ size: number; updates: number; hot: number }>(
      `SELECT pg_total_relation_size('sessions')::float AS size,
              n_tup_upd::float AS updates, n_tup_hot_upd::float AS hot
         FROM pg_stat_user_tables WHERE relname = 'sessions'`,
    )
    return rows[0] ?? { size: 0, updates: 0, hot: 0 }
  }
  const sessions = sessionsOf(200)
  const now = sessions[0]?.created_at ?? 0

  /** With connections of its own: PostgreSQL counts what a connection did when it ends. */
  const rotateAll = async (from: number, to: number) => {
    const store = await open()
    if (from === 0) await Promise.all(sessions.map((session) => store.insert(session)))
    const { updates } = await figures()
    for (let generation = from; generation < to; generation++) {
      await Promise.all(
        sessions.map(({ sid }) => store.rotate(move(sid, generation, now + generation))),
      )
    }
    await store.close()
    const counted = async () => (await figures()).updates - updates
    while ((await counted()) < sessions.length * (to - from));
  }

  // Until every page has its room.
  await rotateAll(0, 20)
  const before = await figures()
  await rotateAll(20, 120)
  const after = await figures()
  t.ok(after.size <= before.size * 1.5, `${before.size} → ${after.size} bytes`)
  const [updates, hot] = [after.updates - before.updates, after.hot - before.hot]
  t.ok(hot / updates > 0.9, `${hot} of ${updates} updates are HOT`)
})
