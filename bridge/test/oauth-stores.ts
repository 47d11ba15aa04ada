import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createConsents } from '../src/sessions/consents.ts'
import type { Database } from '../src/sessions/database.ts'
import { openStore } from '../src/sessions/store.ts'
import { MINUTE, newSession, newUid, START } from './session-store.ts'

/**
 * What is kept for other apps, on every database.
 * @param open a fresh connection each time, to one and the same database
 */
export function testOauthStores(t: Test, open: () => Database): void {
  const begin = async (t: Test) => {
    const database = open()
    const store = await openStore(database)
    t.teardown(() => store.close())
    const session = newSession()
    await store.insert(session)
    return { database, store, sid: session.sid }
  }

  t.test(
    'apps go with the browser that they were let in from, and stay where it is replaced',
    async (t) => {
      const { store, sid: first } = await begin(t)
      const second = newSession()
      await store.insert(second)
      const insert = async (browser_sid: string | null, scope = 'openid') => {
        const session = { ...newSession(), browser_sid, scope, logout_at: 0 }
        await store.insert(session)
        return session.sid
      }
      const apps = [await insert(first), await insert(first, 'openid odoo.read')]
      const kept = [
        await insert(first, 'openid offline_access'),
        await insert(first, 'offline_access'),
        await insert(null),
        await insert(second.sid),
      ]
      const over = await insert(first)
      await store.end(over, 'ended_by_user')

      await store.moveApps(first, second.sid)
      t.same(await store.endOfBrowser(first, 'logout', START), [], 'none is left to the first')
      await store.moveApps(second.sid, first)
      const [, , , own = ''] = kept
      t.equal((await store.get(own))?.browser_sid, first)
      await store.end(own, 'logout')

      const ended = await store.endOfBrowser(first, 'logout', START)
      t.same(ended.map(({ sid }) => sid).sort(), apps.sort())
      for (const sid of apps) t.match(await store.get(sid), { revoked_reason: 'logout' })
      for (const sid of kept.slice(0, 3)) t.equal((await store.get(sid))?.revoked_at, null)
      t.equal((await store.get(over))?.revoked_reason, 'ended_by_user')
      t.same(await store.endOfBrowser(first, 'logout', START), [], 'once')
    },
  )

  t.test('what a user lets an app have is remembered, by user and app', async (t) => {
    const { database } = await begin(t)
    const consents = createConsents(database)
    const uid = newUid()
    t.same(await consents.scopeOf(uid, 'app'), [])
    await consents.grant(uid, 'app', ['openid', 'email'], START)
    await consents.grant(uid, 'other', ['openid'], START)
    await consents.grant(uid, 'app', ['openid', 'email', 'phone'], START + MINUTE)
    t.same(await consents.scopeOf(uid, 'app'), ['openid', 'email', 'phone'])
    t.same(await consents.scopeOf(uid + 1, 'app'), [], 'somebody else')
  })

  t.test(
    'an assertion is taken once, by whichever bridge, until it has long expired',
    async (t) => {
      const [one, other] = [await begin(t), await begin(t)]
      const hash = randomUUID()
      const until = Date.now() + 600_000
      const taken = await Promise.all(
        [one, other, one, other].map(({ store }) => store.takeAssertion(hash, until)),
      )
      t.equal(taken.filter(Boolean).length, 1)
      t.ok(await one.store.takeAssertion(randomUUID(), until), 'another is another')
      const [old, recent] = [randomUUID(), randomUUID()]
      await one.store.takeAssertion(old, Date.now() - 3_700_000)
      await one.store.takeAssertion(recent, Date.now() - 3_500_000)
      await one.store.removeOld(0)
      t.ok(await one.store.takeAssertion(old, until), 'forgotten')
      t.notOk(await one.store.takeAssertion(recent, until), 'the clocks of bridges may differ')
      t.notOk(await one.store.takeAssertion(hash, until))
    },
  )

  t.test('B3: a code is taken once, and remembered', async (t) => {
    const { store, sid } = await begin(t)
    const redemption = {
      code_hash: randomUUID(),
      client_id: 'other-app',
      redirect_uri: 'http://127.0.0.1/',
      code_challenge: 'challenge',
    }
    await store.insertCode({ ...redemption, sid, nonce: 'once', expires_at: START + MINUTE })
    t.equal(await store.redeemCode({ ...redemption, code_challenge: 'x' }, START), undefined)
    t.equal(await store.redeemCode(redemption, START + MINUTE), undefined, 'too late')
    t.equal(await store.sidOfRedeemedCode(redemption.code_hash), undefined)
    const results = await Promise.all([1, 2, 3].map(() => store.redeemCode(redemption, START)))
    t.same(results.filter(Boolean), [{ sid, nonce: 'once' }])
    t.equal(await store.sidOfRedeemedCode(redemption.code_hash), sid)
  })

  t.end()
}
