/** The shared zone that the list of revocations is kept in: too small for it, and over a reload. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ENGINES } from '../support/gate.ts'
import { revocationList } from '../support/revocation-list.ts'
import { scene, startBridgeOf, times } from '../support/revocation-scene.ts'

// Most of it is waiting.
t.jobs = ENGINES.length

for (const engine of ENGINES) {
  t.test(engine.name, { buffered: true }, (t) => {
    t.test('a list that does not fit closes the gate', async (t) => {
      const list = revocationList(
        Array.from({ length: 3000 }, (_, i) => ({ sid: `session-${String(i)}-of-many` })),
      )
      list.pageSize = 500
      const bridge = await startBridgeOf(t, list)
      const { gate, statusOf, tokenOf, polled } = await scene(t, engine, {
        bridge,
        zones: { drawbridge_revocations: '128k' },
      })
      await polled()
      const tokens = [tokenOf('good'), tokenOf('session-2999-of-many')]
      for (const token of tokens) t.equal(await statusOf(token), 503)
      await t.resolves(gate.logged('/ 503 revocations_unavailable'))
      t.equal(await statusOf(tokenOf('session-0-of-many')), 401)
      t.match(
        gate.errorLog(),
        `no revocations from ${bridge.revocationsUrl}: the zone drawbridge_revocations is full`,
      )

      t.test('it opens again when a larger zone was given to it', async (t) => {
        await gate.reload({ zones: { drawbridge_revocations: '4m' } })
        while ((await statusOf(tokens[0] as string)) !== 200) await pause(50)
        t.equal(await statusOf(tokens[1] as string), 401)
        t.equal(await statusOf(tokenOf('session-0-of-many')), 401)
      })
    })

    t.test('a list that grows beyond its zone closes the gate, fast lane and all', async (t) => {
      const list = revocationList()
      const bridge = await startBridgeOf(t, list)
      const { statusOf, tokenOf, polled } = await scene(t, engine, {
        bridge,
        zones: { drawbridge_revocations: '64k' },
      })
      await polled()
      const token = tokenOf('good')
      t.same(new Set(await times(50, () => statusOf(token))), new Set([200]))
      for (let i = 0; i < 2000; i++) list.entries.push({ sid: `session-${String(i)}-of-many` })
      await polled()
      t.same(new Set(await times(50, () => statusOf(token))), new Set([503]))
    })

    t.test('a reload keeps the list, without a gap', async (t) => {
      const list = revocationList([{ sid: 'gone' }])
      const bridge = await startBridgeOf(t, list)
      const { gate, statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      await polled()
      const [good, gone] = [tokenOf('good'), tokenOf('gone')]
      t.same([await statusOf(good), await statusOf(gone)], [200, 401])
      const read = list.read.length
      const during = async (work: Promise<void>) => {
        const seen: Record<string, Set<number>> = { good: new Set(), gone: new Set() }
        const going = Symbol('going')
        while ((await Promise.race([work, pause(0, going)])) === going) {
          seen.good?.add(await statusOf(good))
          seen.gone?.add(await statusOf(gone))
        }
        return seen
      }
      t.same(await during(gate.reload()), { good: new Set([200]), gone: new Set([401]) })
      await polled()
      t.notOk(list.read.slice(read).some(({ from }) => from === 0))

      t.test('with another size of the zone it is read again, and closed until then', async (t) => {
        bridge.respondRevocations = (response) => response.destroy()
        await gate.reload({ zones: { drawbridge_revocations: '1m' } })
        t.same([await statusOf(good), await statusOf(gone)], [503, 503])
        delete bridge.respondRevocations
        await polled()
        t.same([await statusOf(good), await statusOf(gone)], [200, 401])
      })
    })
    t.end()
  })
}
