import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { RevocationsPage } from '../src/contract/index.ts'
import type { Database } from '../src/sessions/database.ts'
import type { RevocationLog } from '../src/sessions/port.ts'
import { createRevocationLog } from '../src/sessions/revocations.ts'
import { openStore } from '../src/sessions/store.ts'
import { DATABASE_TIME } from '../src/sessions/time.ts'
import { createRevocations, type Revocations } from '../src/tokens/revocations.ts'
import { newSession } from './session-store.ts'

/** Seconds. */
export const TTL = 600
/** Milliseconds: what the rounds read again. */
export const OVERLAP = 10_000

/** How the `sid`s of `insertEnded` begin. */
const MANY = 'many-'

/** Leaves the database to the next test as it was. */
export const removeInserted = (database: Database) =>
  database.query(`DELETE FROM sessions WHERE sid LIKE '${MANY}%'`)

/** Ends `count` sessions, many of them in the same millisecond. @returns their `sid`s */
export async function insertEnded(
  database: Database,
  count: number,
  revokedAt: number,
): Promise<string[]> {
  const prefix = `${MANY}${randomUUID()}-`
  const row = { ...newSession(), sid: 'sid', revoked_at: 'time', revoked_reason: 'logout' }
  const columns = Object.keys(row)
  const values = Object.values(row).map((value) => {
    if (value === 'sid') return '$1 || CAST(i AS TEXT)'
    if (value === 'time') return 'CAST($2 AS BIGINT) + i % 50'
    if (value === null) return 'NULL'
    return typeof value === 'number' ? String(value) : `'${value}'`
  })
  await database.query(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($3 AS BIGINT))
     INSERT INTO sessions (${columns.join(', ')}) SELECT ${values.join(', ')} FROM n`,
    [prefix, revokedAt, count],
  )
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`)
}

/** What a gate keeps, and how it asks. */
export function createReader() {
  const epochs: string[] = []
  let after = ''
  const refused = new Map<string, number>()
  const users = new Map<string, [cutoff: number, until: number]>()
  const ask = async (bridge: Pick<Revocations, 'page'>): Promise<RevocationsPage> => {
    const page = await bridge.page(epochs, after)
    if (!epochs.includes(page.epoch)) epochs.push(page.epoch)
    for (const [sid, until] of page.sessions) refused.set(sid, until)
    for (const [sub, cutoff, until] of page.users) users.set(sub, [cutoff, until])
    after = page.after
    return page
  }
  return {
    epochs,
    refused,
    users,
    ask,
    /** Sends another cursor the next time. */
    setAfter: (text: string) => {
      after = text
    },
    /** Asks until there is no more. @returns the pages */
    round: async (...bridges: Pick<Revocations, 'page'>[]): Promise<RevocationsPage[]> => {
      const pages: RevocationsPage[] = []
      do {
        const bridge = bridges[pages.length % bridges.length]
        if (!bridge || pages.length > 100) throw new Error('This does not end.')
        pages.push(await ask(bridge))
      } while (pages.at(-1)?.more)
      return pages
    },
  }
}

/** A log whose rounds read nothing again: what is lost without the overlap is lost here. */
export const withoutOverlap = (log: RevocationLog): RevocationLog => ({
  ...log,
  sessions: (after, most) =>
    log.sessions(
      after.sid === '' ? { ...after, revoked_at: after.revoked_at + OVERLAP } : after,
      most,
    ),
})

const sidsOf = (pages: RevocationsPage[]): string[] =>
  pages.flatMap(({ sessions }) => sessions.map(([sid]) => sid))

/**
 * What must hold of the feed on every database.
 * @param open a fresh connection each time, to one and the same database
 */
export function testRevocations(t: Test, open: () => Database): void {
  const begin = async (t: Test) => {
    const database = open()
    const store = await openStore(database)
    t.teardown(() => store.close())
    const log = createRevocationLog(database)
    const timeOf = async () => {
      const [row] = await database.query<{ now: number }>(
        `SELECT ${DATABASE_TIME[database.driver]} AS now`,
      )
      return row?.now ?? 0
    }
    return { database, store, log, timeOf, bridge: createRevocations(log, TTL) }
  }
  const newUid = () => 1_000_000 + Math.floor(Math.random() * 1_000_000_000)

  t.test(
    'whatever ends a session is in the next answer, and stays refused long enough',
    async (t) => {
      const { store, bridge, timeOf } = await begin(t)
      const reader = createReader()
      await reader.round(bridge)
      const uid = newUid()
      const [a, b, c, live] = Array.from({ length: 4 }, () => ({ ...newSession(), uid }))
      if (!a || !b || !c || !live) throw new Error('four were made')
      for (const session of [a, b, c]) await store.insert(session)
      await store.insert({ ...live, uid: newUid() })

      const before = await timeOf()
      await store.end(a.sid, 'reuse')
      t.ok(sidsOf(await reader.round(bridge)).includes(a.sid))
      await store.endOwn(b.sid, uid, 'ended_by_user', a.created_at)
      t.ok(sidsOf(await reader.round(bridge)).includes(b.sid))
      await store.endAll(uid, 'ended_by_user', a.created_at)
      t.ok(sidsOf(await reader.round(bridge)).includes(c.sid))
      t.notOk(reader.refused.has(live.sid))

      const longest = Math.ceil(((await timeOf()) + TTL * 1000 + 300_000) / 1000)
      for (const { sid } of [a, b, c]) {
        const until = reader.refused.get(sid) ?? 0
        t.ok(until >= before / 1000 + TTL + 300 && until <= longest, `${until}`)
      }
    },
  )

  t.test('a whole list is of what tokens could still be good of, and no more', async (t) => {
    const { database, bridge, timeOf } = await begin(t)
    const now = await timeOf()
    const window = (TTL + 300) * 1000
    const [recent] = await insertEnded(database, 1, now - window + 30_000)
    const [over] = await insertEnded(database, 1, now - window - 1000)
    const reader = createReader()
    await reader.round(bridge)
    t.ok(reader.refused.has(recent ?? ''))
    t.notOk(reader.refused.has(over ?? ''))
  })

  t.test('12,000 in pages while more arrive: none is lost, none stands twice', async (t) => {
    const { database, store, bridge, timeOf } = await begin(t)
    const expected = await insertEnded(database, 12_000, (await timeOf()) - 100_000)
    const reader = createReader()
    const pages: RevocationsPage[] = []
    do {
      const session = newSession()
      await store.insert(session)
      await store.end(session.sid, 'logout')
      expected.push(session.sid)
      pages.push(await reader.ask(bridge))
    } while (pages.at(-1)?.more)
    t.same(
      pages.map(({ all }) => all),
      pages.map((_, index) => index === 0),
    )
    t.ok(pages.length >= 3)
    const sids = sidsOf(pages)
    t.equal(new Set(sids).size, sids.length, 'none twice')
    t.same(
      expected.filter((sid) => !reader.refused.has(sid)),
      [],
      'none lost',
    )
    const next = await reader.round(bridge)
    t.ok(next.every(({ all }) => !all))
    const again = new Set(sidsOf(next))
    t.notOk(
      expected.slice(0, 12_000).some((sid) => again.has(sid)),
      'not all over again',
    )
  })

  t.test(
    'two bridges in turn: each gives the whole list once, then they go on together',
    async (t) => {
      const one = await begin(t)
      const two = await begin(t)
      const expected = await insertEnded(one.database, 12_000, (await one.timeOf()) - 100_000)
      const reader = createReader()
      const pages = await reader.round(one.bridge, two.bridge)
      t.same(
        pages.slice(0, 3).map(({ all }) => all),
        [true, true, false],
      )
      t.same(
        expected.filter((sid) => !reader.refused.has(sid)),
        [],
      )
      t.equal(reader.epochs.length, 2)

      const session = newSession()
      await one.store.insert(session)
      await one.store.end(session.sid, 'logout')
      const [next] = await reader.round(two.bridge)
      t.equal(next?.all, false)
      t.ok(reader.refused.has(session.sid))

      const third = createRevocations(one.log, TTL)
      t.equal((await reader.round(third))[0]?.all, true, 'a bridge that was started again')
    },
  )

  t.test('a cursor of the future, or none of ours: the whole list', async (t) => {
    const { database, log, timeOf } = await begin(t)
    let putBack = 0
    const bridge = createRevocations(
      {
        ...log,
        times: async () => {
          const { now, settled } = await log.times()
          return { now: now - putBack, settled: settled - putBack }
        },
      },
      TTL,
    )
    const reader = createReader()
    await reader.round(bridge)
    // Recorded before what the rounds read.
    const [missed] = await insertEnded(database, 1, (await timeOf()) - 60_000)
    const [usual] = await reader.round(bridge)
    t.equal(usual?.all, false)
    t.notOk(reader.refused.has(missed ?? ''), 'else this shows nothing')
    putBack = 60_000
    const [page] = await reader.round(bridge)
    t.equal(page?.all, true)
    t.ok(reader.refused.has(missed ?? ''))
    t.equal((await reader.round(bridge))[0]?.all, false)

    const { now } = await log.times()
    const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
    const bad = [
      '',
      'x',
      'e30',
      cursor(),
      cursor('1'),
      cursor(now + 3_600_000),
      cursor(1.5),
      cursor(now, 1, 'x', 1),
      cursor(now, 1, 'x', 1, '1'),
      cursor(now, 1, 'x', 1, 1, 1),
      cursor(now, 1, '\u0000', 1, 1),
      cursor(now, 1, 2, 3, 4),
      `${cursor(now)}.${cursor(now)}`.repeat(9),
    ]
    for (const after of bad) {
      reader.setAfter(after)
      t.equal((await reader.ask(bridge)).all, true, after)
    }
  })

  t.test('an old cursor goes on where tokens could still be good', async (t) => {
    const { log, timeOf } = await begin(t)
    let late = 0
    const asked: number[] = []
    const bridge = createRevocations(
      {
        ...log,
        times: async () => {
          const { now, settled } = await log.times()
          return { now: now + late, settled: settled + late }
        },
        sessions: (after, most) => {
          asked.push(after.revoked_at)
          return log.sessions(after, most)
        },
      },
      TTL,
    )
    const reader = createReader()
    await reader.round(bridge)
    late = 3_600_000
    const [page] = await reader.round(bridge)
    t.equal(page?.all, false)
    t.ok((asked.at(-1) ?? 0) >= (await timeOf()) + late - (TTL + 300) * 1000 - 5000)
  })

  t.test('what was recorded shortly before the last round is read again', async (t) => {
    const { database, bridge, timeOf } = await begin(t)
    const reader = createReader()
    await reader.round(bridge)
    const [sid] = await insertEnded(database, 1, (await timeOf()) - OVERLAP + 3000)
    await reader.round(bridge)
    t.ok(reader.refused.has(sid ?? ''))
  })

  t.test('the cut-off of a user only moves forward, and goes when nobody needs it', async (t) => {
    const { database, store, bridge, timeOf } = await begin(t)
    const uid = newUid()
    const now = await timeOf()
    const reader = createReader()
    const cutoff = async () => {
      await reader.round(bridge)
      return reader.users.get(String(uid))
    }
    t.equal(await cutoff(), undefined)
    await store.endAll(uid, 'ended_by_user', now)
    const seconds = Math.floor(now / 1000)
    const until = Math.ceil(now / 1000) + TTL + 300
    const first = await cutoff()
    t.equal(first?.[0], seconds)
    t.ok(Math.abs((first?.[1] ?? 0) - until) <= 1)

    await store.endAll(uid, 'ended_by_user', now - 60_000)
    t.same(await cutoff(), first, 'not back')
    await store.endAll(uid, 'ended_by_user', now + 60_000)
    t.equal((await cutoff())?.[0], seconds + 60)

    const old = newUid()
    await database.query('INSERT INTO user_cutoffs VALUES ($1, $2, $2)', [old, now - 86_400_000])
    const kept = async () =>
      (
        await database.query<{ uid: number }>(
          'SELECT uid FROM user_cutoffs WHERE uid IN ($1, $2)',
          [old, uid],
        )
      ).map((row) => row.uid)
    t.same((await kept()).sort(), [old, uid].sort())
    await store.removeOld(now - 80_000_000)
    t.same(await kept(), [uid])
  })

  t.test(
    'a session that was begun in the same moment: its token is from before the cut-off',
    async (t) => {
      const { store, bridge, timeOf } = await begin(t)
      const uid = newUid()
      const now = await timeOf()
      const session = { ...newSession(), uid, created_at: now, expires_at: now + 1e6 }
      // Its row comes when the others have been ended already.
      await store.endAll(uid, 'ended_by_user', now)
      await store.insert(session)
      const reader = createReader()
      await reader.round(bridge)
      const iat = Math.floor(now / 1000)
      t.ok(iat <= (reader.users.get(String(uid))?.[0] ?? 0))
    },
  )

  t.test('users come in pages, too', async (t) => {
    const { database, bridge, timeOf } = await begin(t)
    const now = await timeOf()
    const from = newUid()
    await database.query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5500)
       INSERT INTO user_cutoffs (uid, cutoff_at, recorded_at)
       SELECT CAST($1 AS BIGINT) + i, CAST($2 AS BIGINT), CAST($2 AS BIGINT) + i % 7 FROM n
        WHERE true ON CONFLICT DO NOTHING`,
      [from, now - 50_000],
    )
    const reader = createReader()
    const pages = await reader.round(bridge)
    t.ok(pages.length >= 2)
    const missing = Array.from({ length: 5500 }, (_, index) => String(from + index + 1)).filter(
      (sub) => !reader.users.has(sub),
    )
    t.same(missing, [])
    await database.query('DELETE FROM user_cutoffs WHERE uid > $1 AND uid <= $2', [
      from,
      from + 5500,
    ])
  })

  t.end()
}
