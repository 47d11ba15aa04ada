import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Database } from '../src/sessions/database.ts'
import { createPairings } from '../src/sessions/pairings.ts'
import { openStore } from '../src/sessions/store.ts'
import { MINUTE } from './session-store.ts'

/**
 * What is kept of the paired Odoo, on every database.
 * @param open a fresh connection each time, to one and the same database
 */
export function testPairingStore(t: Test, open: () => Database): void {
  t.test('a key is pinned by whoever comes first, and one bridge compares at a time', async (t) => {
    const database = open()
    const store = await openStore(database)
    t.teardown(() => store.close())
    const pairings = createPairings(database)
    const audience = `odoo:${randomUUID()}`
    t.equal(await pairings.beginComparison(audience, 1000), false, 'not paired')
    t.equal(await pairings.pin(audience, 'first'), 'first')
    t.equal(await pairings.pin(audience, 'second'), 'first')
    const turns = await Promise.all([1, 2, 3].map(() => pairings.beginComparison(audience, 60_000)))
    t.same(turns.filter(Boolean), [true])
    t.equal(await pairings.unpin(audience), true)
    t.equal(await pairings.unpin(audience), false)
    t.equal(await pairings.pin(audience, 'second'), 'second')
    await pairings.unpin(audience)
  })

  t.test('a proof of Odoo is taken once by all, and forgotten when it is over', async (t) => {
    const database = open()
    const store = await openStore(database)
    t.teardown(() => store.close())
    const pairings = createPairings(database)
    const [audience, jti] = [`odoo:${randomUUID()}`, randomUUID()]
    const later = Date.now() + 10 * MINUTE
    const taken = await Promise.all([1, 2, 3].map(() => pairings.takeProof(audience, jti, later)))
    t.same(taken.filter(Boolean), [true])
    t.equal(await pairings.takeProof(`odoo:${randomUUID()}`, jti, later), true, 'another Odoo')
    const [old, before] = [randomUUID(), Date.now() - 10 * MINUTE]
    t.equal(await pairings.takeProof(audience, old, before), true)
    t.equal(await pairings.takeProof(audience, old, before), true, 'not kept for ever')
  })
  t.end()
}
