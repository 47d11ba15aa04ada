/** WebSockets and server-sent events behind the gate end when their token does. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ENGINES, QUICK_KEYS, QUICK_REVOCATIONS } from '../support/gate.ts'
import { verdict } from '../support/servers.ts'
import { BOUND, endBetween, key, scene, works } from '../support/stream-scene.ts'
import { claims, mint, newKey, now } from '../support/tokens.ts'

t.jobs = 2

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    // Most of the time they wait.
    t.jobs = 4

    t.test('they end at expiry, where they are watched', async (t) => {
      const { gate, both, quiet } = await scene(t, engine)
      const exp = now() + 3
      const short = mint(key, { exp })
      const watched = await both(short)
      const unwatched = await both(short, '/unwatched')
      const others = await both(mint(key))
      await works([...watched, ...unwatched, ...others])
      await endBetween(t, watched, exp * 1000, exp * 1000 + BOUND)
      const last = watched[1].sent.at(-1) as number
      t.ok(last < exp * 1000, 'nothing that was sent later came through')
      t.match(gate.errorLog(), 'drawbridge: the token of an open connection expired')
      t.notMatch(gate.errorLog(), 'revoked')

      // Several looks later.
      await pause(2500)
      await works([...unwatched, ...others])
      for (const stream of [...unwatched, ...others]) stream.close()
      await quiet()
    })

    t.test('leeway and max_age count', async (t) => {
      const { both } = await scene(t, engine, { settings: 'max_age 3;', leeway: 1 })
      const iat = now()
      const end = (iat + 4) * 1000
      await endBetween(t, await both(mint(key, { iat })), end, end + BOUND)
    })

    t.test('they end when their session does, and no other', async (t) => {
      const { gate, both, list } = await scene(t, engine)
      const gone = await both(mint(key, { sid: 'session-gone' }))
      const stay = await both(mint(key, { sid: 'session-stays' }))
      await works([...gone, ...stay])
      await pause(1500)
      await works([...gone, ...stay])
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await endBetween(t, gone, at, at + BOUND)
      t.match(gate.errorLog(), 'drawbridge: the token of an open connection was revoked')
      await pause(1500)
      await works(stay)
    })

    t.test('two hundred end with one user', async (t) => {
      const { both, list } = await scene(t, engine)
      const streams = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          both(mint(key, { sid: `session-${String(i)}`, sub: '7' })),
        ),
      )
      const [other] = await both(mint(key, { sub: '8' }))
      await works(streams.flat())
      const at = Date.now()
      list.entries.push({ sub: '7', cutoff: now() })
      const ends = await Promise.all(streams.flat().map((stream) => stream.ended))
      t.equal(ends.length, 200)
      const last = Math.max(...ends.map((end) => end.at)) - at
      t.comment(`all ended ${String(last)} ms after the cut-off`)
      t.ok(last < BOUND)
      await works([other])
      other.close()
    })

    t.test('they end when their key is withdrawn', async (t) => {
      const { gate, bridge, both } = await scene(t, engine, {
        periodic: `
          ${QUICK_REVOCATIONS}
          ${QUICK_KEYS}`,
      })
      while (bridge.jwksFetches === 0) await once(bridge.events, 'jwks')
      const streams = await both(mint(key))
      await works(streams)
      const next = newKey('key-2')
      bridge.jwks = { keys: [next.publicJwk] }
      const at = Date.now()
      t.equal((await gate.request('/known', { token: mint(next) })).status, 200, 'makes it fetch')
      await endBetween(t, streams, at, at + BOUND)
      t.match(gate.errorLog(), "the key of an open connection's token is not published any more")
    })

    t.test('a list that is too old ends them where it closes the location', async (t) => {
      const settings = 'revocations_max_stale 2; stale_revocations'
      const closed = await scene(t, engine, { settings: `${settings} closed;` })
      const open = await scene(t, engine, { settings: `${settings} open;` })
      const ending = await closed.both(mint(key))
      const living = await open.both(mint(key))
      await works([...ending, ...living])
      for (const { bridge } of [closed, open]) {
        bridge.respondRevocations = (response) => response.destroy()
      }
      const at = Date.now()
      // The last reading may have been just before.
      await endBetween(t, ending, at + 2000 - 500, at + 2000 + BOUND)
      t.match(closed.gate.errorLog(), 'the list of revocations is too old for an open connection')
      await works(living)
    })

    t.test('a list that nobody reads on ends them too', async (t) => {
      const settings = 'revocations_max_stale 2;'
      const { bridge, both } = await scene(t, engine, { settings, periodic: '' })
      const at = Date.now()
      const streams = await both(mint(key))
      await works(streams)
      await endBetween(t, streams, at + 2000, at + 2000 + BOUND)
      t.equal(bridge.polls, 1)
    })

    t.test('a long list that is being read anew ends none', async (t) => {
      const { list, bridge, both } = await scene(t, engine, {
        // The pages of one turn take longer than the others have, on a busy machine.
        periodic: `
          location @drawbridge_revocations {
            js_fetch_timeout 500ms;
            js_periodic drawbridge.pollRevocations interval=1s;
          }`,
      })
      const streams = await both(mint(key))
      await works(streams)
      // Another bridge, whose list takes one page after another.
      list.entries = Array.from({ length: 30 }, (_, i) => ({ sid: `other-${String(i)}` }))
      list.pageSize = 1
      list.epoch = 'epoch-2'
      const respond = bridge.revocations
      let pages = 0
      const read = Promise.withResolvers<undefined>()
      bridge.revocations = (query) => {
        const page = respond(query)
        if (++pages === 30) read.resolve(undefined)
        return page
      }
      await read.promise
      await pause(1500)
      await works(streams)
    })

    t.test('the bridge is asked once; expiry and the list count after that', async (t) => {
      const { bridge, list, both } = await scene(t, engine, { settings: 'mode introspect;' })
      const answers = (changes: Record<string, unknown>) => {
        bridge.respondValidate = verdict({ status: 'Valid', claims: claims(changes) })
      }
      const exp = now() + 3
      answers({ exp })
      const short = await both(mint(key, { exp }))
      answers({ sid: 'session-gone' })
      const gone = await both(mint(key, { sid: 'session-gone' }))
      await endBetween(t, short, exp * 1000, exp * 1000 + BOUND)
      await works(gone)
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await endBetween(t, gone, at, at + BOUND)
      t.equal(bridge.questions.length, 4)
    })

    t.end()
  })
}
