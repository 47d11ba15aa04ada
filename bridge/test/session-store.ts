import { randomInt, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { openStore } from '../src/sessions/store.ts'
import type { Database } from '../src/sessions/database.ts'
import type { Session } from '../src/sessions/port.ts'
import { rotate, type RotationRules } from '../src/tokens/rotation.ts'

export const MINUTE = 60_000
const DAY = 86_400_000
/** When the sessions of these tests begin, in milliseconds since 1970. */
export const START = 1_800_000_000_000

const RULES: RotationRules = {
  grace: 30_000,
  idleTtl: 6 * DAY,
  lateBudget: 2,
  lateWindow: 30 * DAY,
  tolerance: 1000 * DAY,
}

/** A user of one test alone: what others left in a shared database is nothing to it. */
export const newUid = (): number => 10 * randomInt(1, 1e8)

/** A session that has just begun. */
export const newSession = (): Session => ({
  sid: randomUUID(),
  uid: 6,
  client_id: 'drawbridge-pwa',
  scope: 'odoo.read',
  audience: 'http://localhost:8080/api',
  roles: 'internal',
  generation: 0,
  rotated_at: START,
  late_replays: 0,
  late_replay_at: null,
  created_at: START,
  last_seen_at: START,
  expires_at: START + RULES.idleTtl,
  absolute_expires_at: START + 180 * DAY,
  revoked_at: null,
  revoked_reason: null,
  auth_time: START,
  amr: 'pwd',
  device: 'a browser',
  ip: '127.0.0.1',
  odoo_session: 'sealed',
  odoo_stamp: null,
  odoo_checked_at: START,
  odoo_browser: null,
  browser_sid: null,
  claims: null,
  logout_at: null,
  logout_tries: 0,
  persistent: 1,
})

/**
 * What must hold on every database.
 * @param open a fresh connection each time, to one and the same database
 */
export function testSessionStore(t: Test, open: () => Database): void {
  const begin = async (t: Test, session: Session = newSession()) => {
    const store = await openStore(open())
    t.teardown(() => store.close())
    await store.insert(session)
    const { sid } = session
    const show = async (generation: number, now: number) => {
      const result = await rotate(store, RULES, sid, generation, now)
      const reached = 'session' in result ? result.session.generation : undefined
      return [result.outcome, reached] as const
    }
    return { store, sid, show }
  }

  t.test('a row comes back as it went in', async (t) => {
    const session = newSession()
    const { store, sid } = await begin(t, session)
    t.same({ ...(await store.get(sid)) }, session)
    t.equal(await store.get('nobody'), undefined)
  })

  t.test('a session of a shared computer stays one as it moves on', async (t) => {
    const shared = { ...newSession(), persistent: 0 } as const
    const { store, sid } = await begin(t, shared)
    const moved = await store.rotate({
      sid,
      generation: 0,
      now: START + MINUTE,
      idleTtl: RULES.idleTtl,
      checkedAfter: 0,
    })
    t.equal(moved?.persistent, 0)
    t.equal((await store.grantLateReplay(sid, 1, 2, START + MINUTE, START))?.persistent, 0)
    t.equal((await store.moveForward(sid, 5, START + MINUTE, RULES.idleTtl))?.persistent, 0)
    t.equal((await store.listLive(shared.uid, START))[0]?.persistent, 0)
  })

  t.test('A11.2: each refresh is the next generation, and life moves on', async (t) => {
    const { store, sid, show } = await begin(t)
    t.same(await show(0, START + MINUTE), ['rotated', 1])
    t.same(await show(1, START + DAY), ['rotated', 2])
    const session = await store.get(sid)
    t.equal(session?.expires_at, START + DAY + RULES.idleTtl)
    t.equal(session?.last_seen_at, START + DAY)
  })

  t.test('A10: idle for too long, or too old altogether, is over', async (t) => {
    const { show } = await begin(t)
    t.same(await show(0, START + RULES.idleTtl), ['ended', undefined])
    const used = await begin(t)
    let generation = 0
    for (let now = START; now < START + 180 * DAY; now += 5 * DAY) {
      t.same(await used.show(generation, now), ['rotated', ++generation])
    }
    t.same(await used.show(generation, START + 180 * DAY), ['ended', undefined])
    t.equal((await used.store.get(used.sid))?.expires_at, START + 180 * DAY, 'never beyond')
  })

  t.test('a lost answer within the grace period: the same generation again', async (t) => {
    const { show } = await begin(t)
    await show(0, START + MINUTE)
    t.same(await show(0, START + MINUTE + 30_000), ['repeated', 1])
    t.same(await show(0, START + MINUTE + 1), ['repeated', 1], 'as often as it likes')
    t.same(await show(1, START + 2 * MINUTE), ['rotated', 2])
  })

  t.test('later than that: twice in thirty days, then it is over', async (t) => {
    const { store, sid, show } = await begin(t)
    await show(0, START)
    t.same(await show(0, START + MINUTE), ['repeated_late', 1])
    t.same(await show(0, START + 2 * MINUTE), ['repeated_late', 1])
    t.same(await show(0, START + 3 * MINUTE), ['reuse', 1])
    t.equal((await store.get(sid))?.revoked_reason, 'reuse')
    t.same(await show(1, START + 4 * MINUTE), ['ended', undefined], 'for everybody')
  })

  t.test('the budget comes back after thirty days', async (t) => {
    const { show } = await begin(t)
    let now = START
    await show(0, now)
    for (const expected of [1, 2]) {
      t.same(await show(0, (now += MINUTE)), ['repeated_late', 1], `${expected}`)
    }
    for (let generation = 1; generation < 8; generation++) await show(generation, (now += 5 * DAY))
    t.same(await show(7, now + MINUTE), ['repeated_late', 8])
    t.same(await show(7, now + 2 * MINUTE), ['repeated_late', 8])
    t.same(await show(7, now + 3 * MINUTE), ['reuse', 8])
  })

  t.test('A12: two generations behind is over at once, within the grace period too', async (t) => {
    const { show } = await begin(t)
    await show(0, START)
    await show(1, START + 1)
    t.same(await show(0, START + 2), ['reuse', 2])
  })

  t.test('a session that Odoo was not asked about waits, and loses nothing by it', async (t) => {
    const { store, sid } = await begin(t)
    const rules = { ...RULES, tolerance: 3_600_000 }
    const show = async (generation: number, now: number) =>
      (await rotate(store, rules, sid, generation, now)).outcome
    t.equal(await show(0, START + MINUTE), 'rotated')
    const late = START + rules.tolerance
    for (let again = 0; again < 5; again++) {
      t.equal(await show(1, late + again * MINUTE), 'unchecked', 'the current one')
      t.equal(await show(0, late + again * MINUTE), 'unchecked', 'the one before')
    }
    t.match(await store.get(sid), { generation: 1, late_replays: 0, revoked_at: null })
    await store.recordCheck(sid, { roles: 'internal', odoo_checked_at: late }, START)
    t.equal(await show(1, late + MINUTE), 'rotated')
    t.equal(await show(2, late + 2 * MINUTE), 'rotated')
    t.equal(await show(0, late + 10 * rules.tolerance), 'reuse', 'an old one is theft all the same')
  })

  t.test(
    'a token ahead of its row: the database was restored, and the row moves forward',
    async (t) => {
      const { show } = await begin(t)
      t.same(await show(5, START + MINUTE), ['moved_forward', 6])
      t.same(await show(5, START + MINUTE + 1), ['repeated', 6])
      t.same(await show(6, START + 2 * MINUTE), ['rotated', 7])
    },
  )

  t.test('twenty at once through two bridges: one generation', async (t) => {
    const { store, sid } = await begin(t)
    const other = await openStore(open())
    t.teardown(() => other.close())
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        rotate(index % 2 ? store : other, RULES, sid, 0, START + 1),
      ),
    )
    const outcomes = results.map(({ outcome }) => outcome)
    t.equal(outcomes.filter((outcome) => outcome === 'rotated').length, 1)
    t.equal(outcomes.filter((outcome) => outcome === 'repeated').length, 19)
    t.equal((await store.get(sid))?.generation, 1)
  })

  t.test('two late replays at once spend the budget twice, not more', async (t) => {
    const { store, sid } = await begin(t)
    await rotate(store, RULES, sid, 0, START)
    const now = START + DAY
    const results = await Promise.all(
      Array.from({ length: 5 }, () =>
        store.grantLateReplay(sid, 1, 2, now, now - RULES.lateWindow),
      ),
    )
    t.equal(results.filter(Boolean).length, 2)
  })

  t.test('a session ends once, and keeps the first reason', async (t) => {
    const { store, sid, show } = await begin(t)
    t.equal(await store.end(sid, 'logout'), true)
    t.equal(await store.end(sid, 'reuse'), false)
    t.match(await store.get(sid), { revoked_at: Number, revoked_reason: 'logout' })
    t.same(await show(0, START + 3), ['ended', undefined])
  })

  t.test('a user sees and ends their own sessions, and nobody else’s', async (t) => {
    const uid = 1_000_000 + Math.floor(Math.random() * 1_000_000_000)
    const [mine, other] = [newSession(), newSession()].map((session) => ({ ...session, uid }))
    const stranger = newSession()
    if (!mine || !other) throw new Error('two were made')
    const { store } = await begin(t, mine)
    await store.insert({ ...other, last_seen_at: START + 5 })
    await store.insert(stranger)
    const list = async () => (await store.listLive(uid, START + 10)).map(({ sid }) => sid)
    t.same(await list(), [other.sid, mine.sid], 'the one used last first')
    const all = (await store.listAllLive(1000, START + 10)).map(({ sid }) => sid)
    t.ok(all.indexOf(other.sid) < all.indexOf(mine.sid), 'the one used last first')
    t.ok(all.includes(stranger.sid))
    t.equal((await store.listAllLive(2, START + 10)).length, 2)
    t.notOk((await store.listAllLive(1000, START + 6 * DAY)).some(({ sid }) => sid === mine.sid))
    t.equal(await store.endOwn(stranger.sid, uid, 'ended_by_user', START + 10), undefined)
    t.match(await store.endOwn(mine.sid, uid, 'ended_by_user', START + 10), { sid: mine.sid })
    t.same(await list(), [other.sid])
    t.same(
      (await store.endAll(uid, 'ended_by_user', START + 11)).map(({ sid }) => sid),
      [other.sid],
    )
    t.same(await list(), [])
    t.match(await store.get(stranger.sid), { revoked_at: null })
  })

  t.test('what was over for long is removed, what lives stays', async (t) => {
    const old = START - 100 * DAY
    const aged = { ...newSession(), expires_at: old, absolute_expires_at: START }
    const ended = { ...newSession(), revoked_at: old, revoked_reason: 'logout' as const }
    const { store, sid } = await begin(t)
    await store.insert(aged)
    await store.insert(ended)
    const code = { code_hash: randomUUID(), sid, client_id: 'x', redirect_uri: 'x' }
    await store.insertCode({ ...code, code_challenge: 'x', nonce: null, expires_at: old })
    t.ok((await store.removeOld(START - 99 * DAY)) >= 3)
    t.same([await store.get(aged.sid), await store.get(ended.sid)], [undefined, undefined])
    t.ok(await store.get(sid))
    t.equal(await store.removeOld(START - 99 * DAY), 0)
  })

  t.test('the Odoo session is replaced by compare-and-set', async (t) => {
    const { store, sid } = await begin(t)
    t.equal(await store.replaceOdooSession(sid, 'sealed', 'next'), true)
    t.equal(await store.replaceOdooSession(sid, 'sealed', 'late'), false)
    t.equal((await store.get(sid))?.odoo_session, 'next')
  })

  t.test('what Odoo said is noted while the session lives', async (t) => {
    const { store, sid } = await begin(t)
    const check = { roles: 'admin internal', odoo_checked_at: START + MINUTE }
    t.equal(await store.recordCheck(sid, check, START), true)
    t.match(await store.get(sid), check)
    await store.end(sid, 'logout')
    t.equal(await store.recordCheck(sid, { ...check, roles: '' }, START + MINUTE), false)
    t.match(await store.get(sid), check)
  })

  t.test('an answer of Odoo does not outdo what was learnt while it came', async (t) => {
    const uid = newUid()
    const { store, sid } = await begin(t, { ...newSession(), uid, odoo_stamp: 'first' })
    await store.ageChecks([uid], START - MINUTE)
    t.equal((await store.get(sid))?.odoo_checked_at, START - MINUTE)
    await store.ageChecks([uid], START)
    t.equal((await store.get(sid))?.odoo_checked_at, START - MINUTE, 'never to a later time')
    t.ok(await store.recordCheck(sid, { roles: 'old', odoo_checked_at: START + 1 }, START))
    t.match(await store.get(sid), { roles: 'old', odoo_checked_at: START - MINUTE })
  })

  t.test('sessions end whose user has another stamp', async (t) => {
    const { store } = await begin(t)
    const changed = newUid()
    const [same, unknown] = [changed + 1, changed + 2]
    const insert = async (uid: number, odoo_stamp: string | null, created_at = START) => {
      const session = { ...newSession(), uid, odoo_stamp, created_at }
      await store.insert(session)
      return session.sid
    }
    const old = [await insert(changed, 'before'), await insert(changed, 'before')]
    const kept = [
      await insert(changed, 'after'),
      await insert(changed, 'even later', START + MINUTE),
      await insert(changed, null),
      await insert(same, 'same'),
      await insert(unknown, 'before'),
    ]
    const ended = await insert(changed, 'before')
    await store.end(ended, 'logout')

    const now = START + MINUTE
    t.same(await store.listStamped(changed - 1, 2, now), [changed, same], 'each once, in order')
    t.ok((await store.listStamped(same, 9, now)).includes(unknown))
    t.notOk((await store.listStamped(changed, 9, now)).includes(changed))

    const stamps = new Map([
      [changed, 'after'],
      [same, 'same'],
    ])
    const over = await store.endChanged(stamps, 'odoo_user_changed', now)
    t.same(over.map(({ sid }) => sid).sort(), old.sort())
    for (const sid of old) {
      t.match(await store.get(sid), { revoked_reason: 'odoo_user_changed', uid: changed })
    }
    for (const sid of kept) t.equal((await store.get(sid))?.revoked_at, null)
    t.equal((await store.get(ended))?.revoked_reason, 'logout')
    t.same(await store.endChanged(stamps, 'odoo_user_changed', now), [], 'once')
  })

  t.test('sessions end that were continued from a browser', async (t) => {
    const { store } = await begin(t)
    const browsers = ['a', 'b', 'c'].map((name) => `${randomUUID()}-${name}`).sort()
    const [gone = '', stays = '', over = ''] = browsers
    const insert = async (odoo_browser: string | null) => {
      const session = { ...newSession(), odoo_browser }
      await store.insert(session)
      return session.sid
    }
    const ended = [await insert(gone), await insert(gone)]
    const kept = [await insert(stays), await insert(null)]
    await store.end(await insert(over), 'logout')

    const before = gone.slice(0, -1)
    t.same((await store.listBrowsers(before, 1, START))[0], gone)
    const listed = await store.listBrowsers(gone, 1000, START)
    t.ok(listed.includes(stays))
    t.notOk(listed.includes(gone) || listed.includes(over))

    const sessions = await store.endBrowsers([gone, over], 'odoo_signed_out', START)
    t.same(sessions.map(({ sid }) => sid).sort(), ended.sort())
    for (const sid of ended) t.match(await store.get(sid), { revoked_reason: 'odoo_signed_out' })
    for (const sid of kept) t.equal((await store.get(sid))?.revoked_at, null)
    t.same(await store.endBrowsers([gone], 'odoo_signed_out', START), [], 'once')
  })

  t.end()
}
