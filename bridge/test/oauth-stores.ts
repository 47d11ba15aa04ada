import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createConsents } from '../src/sessions/consents.ts'
import type { Database } from '../src/sessions/database.ts'
import type { Session } from '../src/sessions/port.ts'
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
    await consents.grant(uid, 'app', ['email', 'phone'], START + MINUTE)
    t.same(await consents.scopeOf(uid, 'app'), ['openid', 'email', 'phone'], 'beside what was')
    t.same(await consents.scopeOf(uid + 1, 'app'), [], 'somebody else')
    t.same(await consents.list(uid), [
      { client_id: 'app', scope: 'openid email phone', granted_at: START + MINUTE },
      { client_id: 'other', scope: 'openid', granted_at: START },
    ])
    t.same(await consents.list(uid + 1), [])

    t.notOk(await consents.withdraw(uid + 1, 'app'))
    t.ok(await consents.withdraw(uid, 'app'))
    t.notOk(await consents.withdraw(uid, 'app'), 'once')
    t.same(await consents.scopeOf(uid, 'app'), [])
    t.same(await consents.scopeOf(uid, 'other'), ['openid'], 'the others stay')
  })

  t.test('of scopes that are granted at once none gets lost', async (t) => {
    const stores = await Promise.all([begin(t), begin(t), begin(t)])
    const uid = newUid()
    const words = Array.from({ length: 12 }, (_, index) => `scope${index}`)
    await Promise.all(
      words.map((word, index) => {
        const { database } = stores[index % stores.length] ?? stores[0]
        return createConsents(database).grant(uid, 'app', [word], START)
      }),
    )
    const { database } = stores[0]
    t.same((await createConsents(database).scopeOf(uid, 'app')).sort(), words.sort())
  })

  t.test('what is granted while it is withdrawn does not bring back what was', async (t) => {
    const { database } = await begin(t)
    const uid = newUid()
    const consents = createConsents(database)
    // Between the reading and the writing of the grant.
    let isWithdrawn = false
    const meddled = createConsents({
      ...database,
      query: async (sql, parameters) => {
        if (!isWithdrawn && /^(INSERT|UPDATE)/.test(sql)) {
          isWithdrawn = true
          await consents.withdraw(uid, 'app')
        }
        return database.query(sql, parameters)
      },
    })
    await consents.grant(uid, 'app', ['odoo.write'], START)
    await meddled.grant(uid, 'app', ['openid'], START)
    t.ok(isWithdrawn)
    t.same(await consents.scopeOf(uid, 'app'), ['openid'])
  })

  t.test('all of a user at one client are ended, and no others', async (t) => {
    const { store } = await begin(t)
    const uid = newUid()
    const insert = async (change: Partial<Session> = {}) => {
      const session = { ...newSession(), uid, client_id: 'app', ...change }
      await store.insert(session)
      return session.sid
    }
    const apps = [await insert(), await insert({ scope: 'openid offline_access' })]
    const kept = [await insert({ client_id: 'other' }), await insert({ uid: uid + 1 })]
    const over = await insert({ expires_at: START })
    const ended = await store.endAtClient(uid, 'app', 'ended_by_user', START)
    t.same(ended.map(({ sid }) => sid).sort(), apps.sort())
    for (const sid of apps) t.match(await store.get(sid), { revoked_reason: 'ended_by_user' })
    for (const sid of [...kept, over]) t.equal((await store.get(sid))?.revoked_at, null)
    t.same(await store.endAtClient(uid, 'app', 'ended_by_user', START), [], 'once')
  })

  t.test('a withdrawal and a session that is begun meanwhile do not miss each other', async (t) => {
    const [one, other] = [await begin(t), await begin(t)]
    const [letIn, withdrawn] = [createConsents(one.database), createConsents(other.database)]
    for (let round = 0; round < 40; round += 1) {
      const uid = newUid()
      await letIn.grant(uid, 'app', ['openid'], START)
      const session = { ...newSession(), uid, client_id: 'app' }
      const authorize = async () => {
        await one.store.insert(session)
        return (await letIn.scopeOf(uid, 'app')).length > 0
      }
      const withdraw = async () => {
        await withdrawn.withdraw(uid, 'app')
        await other.store.endAtClient(uid, 'app', 'ended_by_user', START)
      }
      const [isLetIn] = await Promise.all([authorize(), withdraw()])
      const row = await one.store.get(session.sid)
      t.notOk(isLetIn && row?.revoked_at === null, `round ${round}`)
    }
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
