import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Database } from '../src/sessions/database.ts'
import { createLogouts } from '../src/sessions/logouts.ts'
import type { Logout, Session } from '../src/sessions/port.ts'
import { openStore } from '../src/sessions/store.ts'
import { MINUTE, newSession, newUid, START } from './session-store.ts'

/** Longer than any of these tests takes, in milliseconds. */
const LEASE = 60_000

const sidsOf = (logouts: readonly { sid: string }[]) => logouts.map(({ sid }) => sid).sort()

/**
 * What clients are to be told of, on every database.
 * @param open a fresh connection each time, to one and the same database
 */
export function testLogouts(t: Test, open: () => Database): void {
  const begin = async (t: Test) => {
    const database = open()
    const store = await openStore(database)
    t.teardown(() => store.close())
    // Of this test alone: others may be at work on the same database.
    const client_id = `app-${randomUUID()}`
    /** One whose code was redeemed. */
    const insert = async (change: Partial<Session> = {}) => {
      const session = { ...newSession(), client_id, logout_at: 0, ...change }
      await store.insert(session)
      return session
    }
    const queue = createLogouts(database)
    const claim = (most = 100, lease = LEASE) =>
      queue.claim(new Map([[client_id, most]]), most, lease)
    return { database, store, client_id, insert, queue, claim }
  }

  t.test('whatever ends a session, its client is to be told, once', async (t) => {
    const { store, insert, queue, claim } = await begin(t)
    const uid = newUid()
    const browser = randomUUID()
    const ways: Record<string, [Partial<Session>, (session: Session) => Promise<unknown>]> = {
      end: [{}, ({ sid }) => store.end(sid, 'reuse')],
      endOwn: [{ uid }, ({ sid }) => store.endOwn(sid, uid, 'ended_by_user', START)],
      endAll: [{ uid }, () => store.endAll(uid, 'ended_by_user', START)],
      endChanged: [
        { uid, odoo_stamp: 'old' },
        () => store.endChanged(new Map([[uid, 'new']]), 'odoo_user_changed', START + 1),
      ],
      endBrowsers: [
        { odoo_browser: browser },
        () => store.endBrowsers([browser], 'odoo_signed_out', START),
      ],
      endOfBrowser: [{ browser_sid: browser }, () => store.endOfBrowser(browser, 'logout', START)],
    }
    const live = await insert()
    for (const [way, [change, end]] of Object.entries(ways)) {
      const session = await insert(change)
      t.same(await claim(), [], `${way}: not before`)
      await end(session)
      const claimed = await claim()
      t.match(claimed, [{ sid: session.sid, uid: session.uid, logout_tries: 1 }], way)
      t.equal(claimed.length, 1)
      await queue.settle(session.sid)
      t.match(await store.get(session.sid), { logout_at: null, revoked_at: Number }, way)
    }
    t.match(await store.get(live.sid), { logout_at: 0, logout_tries: 0 })
  })

  t.test('one whose code was not redeemed is not told of: nobody is signed in there', async (t) => {
    const { store, insert, claim } = await begin(t)
    const [pending, redeemed] = [
      await insert({ logout_at: null }),
      await insert({ logout_at: null }),
    ]
    await store.activate(redeemed.sid, START + MINUTE, START)
    for (const { sid } of [pending, redeemed]) await store.end(sid, 'logout')
    t.same(sidsOf(await claim()), [redeemed.sid])
  })

  t.test('a client that gave its token back is not told; those that go with it are', async (t) => {
    const { store, insert, claim } = await begin(t)
    const given = await insert()
    const child = await insert({ browser_sid: given.sid })
    await store.end(given.sid, 'revoked_by_client')
    await store.endOfBrowser(given.sid, 'revoked_by_client', START)
    t.same(sidsOf(await claim()), [child.sid])
  })

  t.test('what outlives the browser is told of its sign-out, and not again', async (t) => {
    const { store, insert, queue, claim } = await begin(t)
    const scope = 'openid offline_access'
    const browser_sid = randomUUID()
    const offline = await insert({ scope, browser_sid })
    const early = await insert({ scope, browser_sid })
    await store.end(early.sid, 'ended_by_user')
    await queue.settle(early.sid)
    const pending = await insert({ scope, browser_sid, logout_at: null })

    const ended = await store.endOfBrowser(browser_sid, 'logout', START)
    t.same(sidsOf(ended), [pending.sid], 'what had not begun does not begin any more')
    t.same(sidsOf(await claim()), [offline.sid])
    await queue.settle(offline.sid)
    t.match(await store.get(offline.sid), { revoked_at: null, revoked_reason: null })
    await store.end(offline.sid, 'ended_by_user')
    t.same(await claim(), [], 'at its real end it knows already')

    const untold = await insert({ scope, browser_sid: randomUUID() })
    await store.end(untold.sid, 'ended_by_user')
    t.same(sidsOf(await claim()), [untold.sid], 'where the browser was never signed out')
  })

  t.test('claimed by one bridge, and by another when the lease is over', async (t) => {
    const [one, other] = [await begin(t), await begin(t)]
    const sessions = await Promise.all(Array.from({ length: 20 }, () => one.insert()))
    for (const { sid } of sessions) await one.store.end(sid, 'logout')
    const mine = new Map([[one.client_id, 3]])
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? one : other).queue.claim(mine, 3, LEASE),
      ),
    )
    for (const claimed of claims) t.ok(claimed.length <= 3)
    const rest = await one.claim()
    t.same(sidsOf([...claims.flat(), ...rest]), sidsOf(sessions), 'each once')

    const last = await one.insert()
    await one.store.end(last.sid, 'logout')
    t.match(await one.claim(), [{ sid: last.sid, logout_tries: 1 }])
    t.same(await one.claim(), [], 'while the lease lasts')
    await one.queue.settle(last.sid)

    const lost = await one.insert()
    await one.store.end(lost.sid, 'logout')
    const [claimed] = await one.claim(1, 1)
    t.match(claimed, { sid: lost.sid, logout_tries: 1 })
    let again: Logout | undefined
    // It ends by the time limit of the test where the lease is never over.
    while (!again) [again] = await other.queue.claim(mine, 9, LEASE)
    t.match(again, { sid: lost.sid, logout_tries: 2 }, 'the first one crashed')

    await one.queue.postpone(claimed as Logout, 0)
    t.same(await one.claim(), [], 'who was late does not put it back')
    await other.queue.postpone(again, 0)
    t.same(sidsOf(await one.claim()), [lost.sid])
  })

  t.test('no more than there are places, and each client its share of them', async (t) => {
    const { store, insert, queue } = await begin(t)
    const [busy, quiet] = [`busy-${randomUUID()}`, `quiet-${randomUUID()}`]
    for (const client_id of [busy, busy, busy, busy, busy, quiet]) {
      await store.end((await insert({ client_id })).sid, 'logout')
    }
    const claim = async (most: number, places: [string, number][]) =>
      (await queue.claim(new Map(places), most, LEASE)).map(({ client_id }) => client_id).sort()
    t.same(await claim(9, []), [])
    t.same(await claim(0, [[busy, 9]]), [])
    const both: [string, number][] = [
      [busy, 3],
      [quiet, 3],
    ]
    t.same(await claim(2, both), [busy, quiet], 'the one does not push the other out')
    t.same(await claim(9, both), [busy, busy, busy])
    t.same(await claim(9, both), [busy])
  })

  t.test('what nobody is to be told of is forgotten, but not at once', async (t) => {
    const { database, store, insert, queue, client_id, claim } = await begin(t)
    const other = `other-${randomUUID()}`
    const age = async ({ sid }: Session) => {
      await store.end(sid, 'logout')
      await database.query('UPDATE sessions SET revoked_at = revoked_at - $2 WHERE sid = $1', [
        ...[sid, 2 * MINUTE],
      ])
    }
    const [old, young, own] = [
      await insert({ client_id: other }),
      await insert({ client_id: other }),
      await insert(),
    ]
    await store.end(young.sid, 'logout')
    await age(old)
    await age(own)
    t.ok((await queue.forgetOthers([client_id], MINUTE)) >= 1)
    t.equal((await store.get(old.sid))?.logout_at, null)
    t.equal((await store.get(young.sid))?.logout_at, 0)
    t.same(sidsOf(await claim()), [own.sid])

    const held = await insert({ client_id: other })
    await age(held)
    t.equal((await queue.claim(new Map([[other, 9]]), 9, LEASE)).length, 2)
    await queue.forgetOthers([client_id], MINUTE)
    t.ok((await store.get(held.sid))?.logout_at, 'another bridge has it in hand')
  })

  t.test('a session stays on record until its client was told', async (t) => {
    const { store, insert, queue } = await begin(t)
    const old = START - 100 * 86_400_000
    const session = await insert({ expires_at: old, revoked_at: old, revoked_reason: 'logout' })
    const expired = await insert({ expires_at: old })
    await store.removeOld(old + 1)
    t.ok(await store.get(session.sid))
    t.equal(await store.get(expired.sid), undefined, 'nobody ended it: there is nothing to tell')
    await queue.settle(session.sid)
    await store.removeOld(old + 1)
    t.equal(await store.get(session.sid), undefined)
  })

  t.end()
}
