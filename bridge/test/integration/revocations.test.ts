import pg from 'pg'
import { test, type Test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { openPostgres } from '../../src/sessions/postgres.ts'
import { createRevocationLog } from '../../src/sessions/revocations.ts'
import { openStore } from '../../src/sessions/store.ts'
import { DATABASE_TIME } from '../../src/sessions/time.ts'
import { createRevocations } from '../../src/tokens/revocations.ts'
import {
  createReader,
  insertEnded,
  OVERLAP,
  removeInserted,
  testRevocations,
  TTL,
  withoutOverlap,
} from '../revocations.ts'
import { newSession } from '../session-store.ts'

const url = readStack().inside.bridgeDatabaseUrl

const open = () =>
  openPostgres(url, (error) => {
    throw error
  })

test('the feed on PostgreSQL', (t) => {
  t.teardown(async () => {
    const database = open()
    await removeInserted(database)
    await database.close()
  })
  testRevocations(t, open)
})

/** Two sessions, and two connections that can leave a transaction open. */
async function begin(t: Test) {
  const database = open()
  const store = await openStore(database)
  const clients = [new pg.Client(url), new pg.Client(url)] as const
  for (const client of clients) await client.connect()
  t.teardown(async () => {
    for (const client of clients) await client.end()
    await removeInserted(database)
    await store.close()
  })
  const [first, second] = [newSession(), newSession()]
  await store.insert(first)
  await store.insert(second)
  const end = (client: pg.Client, sid: string, time = DATABASE_TIME.pg) =>
    client.query(`UPDATE sessions SET revoked_at = ${time}, revoked_reason = 'x' WHERE sid = $1`, [
      sid,
    ])
  return { database, store, log: createRevocationLog(database), clients, first, second, end }
}

test('two commits that become visible in the other order: none is lost', async (t) => {
  const { log, clients, first, second, end } = await begin(t)
  const [early, late] = clients
  const bridge = createRevocations(log, TTL)
  const reader = createReader()
  await early.query('BEGIN')
  await end(early, first.sid)
  await late.query('BEGIN')
  await end(late, second.sid)
  await late.query('COMMIT')
  await reader.round(bridge)
  t.same(
    [first, second].map(({ sid }) => reader.refused.has(sid)),
    [false, true],
  )
  await early.query('COMMIT')
  await reader.round(bridge)
  t.ok(reader.refused.has(first.sid))
})

test('a commit that takes longer than any overlap is not lost', async (t) => {
  const { log, clients, first, second, store, end } = await begin(t)
  const [slow] = clients
  // As if the overlap had gone by while the transaction was open.
  const bridge = createRevocations(withoutOverlap(log), TTL)
  const reader = createReader()
  await reader.round(bridge)
  await slow.query('BEGIN')
  await end(slow, first.sid)
  for (let round = 0; round < 5; round++) await reader.round(bridge)
  await store.end(second.sid, 'logout')
  await reader.round(bridge)
  t.same(
    [first, second].map(({ sid }) => reader.refused.has(sid)),
    [false, true],
  )
  await slow.query('COMMIT')
  await reader.round(bridge)
  t.ok(reader.refused.has(first.sid))
})

test('a commit in the midst of a round that has read past it is not lost', async (t) => {
  const { database, log, clients, first, end } = await begin(t)
  const [slow] = clients
  const bridge = createRevocations(withoutOverlap(log), TTL)
  const reader = createReader()
  await reader.round(bridge)
  await slow.query('BEGIN')
  await end(slow, first.sid)
  await insertEnded(database, 6000, (await log.times()).now)
  const page = await reader.ask(bridge)
  t.ok(page.more)
  await slow.query('COMMIT')
  await reader.round(bridge)
  t.notOk(reader.refused.has(first.sid), 'the round goes on behind it')
  await reader.round(bridge)
  t.ok(reader.refused.has(first.sid))
})

test('a bridge that has begun a statement holds the time back, one that only sits there does not', async (t) => {
  const { log, clients, first, end } = await begin(t)
  const [client, sleeper] = clients
  await sleeper.query('BEGIN')
  await sleeper.query('SELECT count(*) FROM sessions')
  await client.query('BEGIN')
  const { rows } = await client.query<{ since: number }>(
    'SELECT floor(extract(epoch FROM now()) * 1000)::float AS since',
  )
  const since = rows[0]?.since ?? 0
  const free = await log.times()
  t.ok(free.settled >= since, 'nothing was written yet')
  await end(client, first.sid)
  const held = await log.times()
  t.ok(held.settled <= since && held.now >= since)
  const { rows: pids } = await sleeper.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const cancelled = t.rejects(sleeper.query('SELECT pg_sleep(300)'))
  const isRunning = async () => {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active'`,
      [pids[0]?.pid],
    )
    return rows.length > 0
  }
  while (!(await isRunning()));
  await client.query('COMMIT')
  const running = await log.times()
  t.ok(running.settled <= since, 'a statement that runs might record something yet')
  await client.query('SELECT pg_cancel_backend($1)', [pids[0]?.pid])
  await cancelled
  await sleeper.query('ROLLBACK')
  t.ok((await log.times()).settled > running.settled)
})

test('a database whose clock is behind that of the one before: the overlap covers it', async (t) => {
  const { log, clients, first, end } = await begin(t)
  const [client] = clients
  const bridge = createRevocations(log, TTL)
  const reader = createReader()
  await client.query('BEGIN')
  await end(client, first.sid, `${DATABASE_TIME.pg} - ${OVERLAP - 2000}`)
  await reader.round(bridge)
  t.notOk(reader.refused.has(first.sid))
  await client.query('COMMIT')
  await reader.round(bridge)
  t.ok(reader.refused.has(first.sid))
})
