/** Who was put out is refused before the token expires. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ENGINES } from '../support/gate.ts'
import { revocationList } from '../support/revocation-list.ts'
import { key, PERIODIC, scene, startBridgeOf, times } from '../support/revocation-scene.ts'
import { startBridge } from '../support/servers.ts'
import { AUDIENCE, mint, now } from '../support/tokens.ts'

// Most of it is waiting.
t.jobs = ENGINES.length

for (const engine of ENGINES) {
  t.test(engine.name, { buffered: true }, (t) => {
    t.test('an ended session is refused within 2 seconds, by every worker', async (t) => {
      const list = revocationList()
      const bridge = await startBridgeOf(t, list)
      const { gate, statusOf, tokenOf, polled } = await scene(t, engine, {
        bridge,
        periodic: PERIODIC,
      })
      const [gone, stays] = [tokenOf('gone'), tokenOf('stays')]
      await polled()
      // Often enough for every fast lane to hold it.
      t.same(new Set(await times(200, () => statusOf(gone))), new Set([200]))
      t.same(new Set(await times(100, () => statusOf(stays))), new Set([200]))

      list.entries.push({ sid: 'gone' })
      const began = Date.now()
      const took = () => Date.now() - began
      while ((await statusOf(gone)) === 200 && took() < 2000);
      t.comment(`refused after ${String(took())} ms`)
      t.ok(took() < 2000)

      const answer = await gate.request('/', { token: gone })
      t.match(answer.headers['www-authenticate'], 'error="invalid_token"')
      t.match(JSON.parse(answer.body), { error_description: 'The access token is invalid' })
      const refusedBy = () => new Set(gate.file('workers.log').match(/^\d+(?= revoked$)/gm))
      do {
        t.same(new Set(await times(100, () => statusOf(gone))), new Set([401]))
      } while (refusedBy().size < 2)
      await t.resolves(gate.logged('/ 401 revoked'))
      t.equal(await statusOf(tokenOf('gone')), 401, 'another token of it')
      t.equal(await statusOf(stays), 200)
      // A new token of the same user, after signing in again.
      t.equal(await statusOf(tokenOf('another')), 200)
    })

    t.test('a user cut off: tokens up to then, nobody else', async (t) => {
      const list = revocationList()
      const bridge = await startBridgeOf(t, list)
      const { statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      const cutoff = now() - 10
      const of = (sub: string, iat: number) => tokenOf(`session-${sub}`, { sub, iat })
      const before = of('6', cutoff - 1)
      const at = of('6', cutoff)
      const after = of('6', cutoff + 1)
      const other = of('66', cutoff - 1)
      const ask = () => Promise.all([before, at, after, other].map((token) => statusOf(token)))
      await polled()
      t.same(await ask(), [200, 200, 200, 200])
      list.entries.push({ sub: '6', cutoff })
      await polled()
      t.same(await ask(), [401, 401, 200, 200])
      list.entries.push({ sub: '6', cutoff: cutoff - 5 })
      await polled()
      t.same(await ask(), [401, 401, 200, 200], 'a cut-off never moves back')
      list.entries.push({ sub: '6', cutoff: cutoff + 1 })
      await polled()
      t.same(await ask(), [401, 401, 401, 200])
    })

    t.test('an entry ends when no token needs it any more', async (t) => {
      const list = revocationList()
      const bridge = await startBridgeOf(t, list)
      const { statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      const token = tokenOf('ended')
      const old = tokenOf('other', { sub: '7', iat: now() - 60 })
      const until = now() + 2
      list.entries.push({ sid: 'ended', until }, { sub: '7', cutoff: now() - 1, until })
      list.entries.push({ sid: 'long-ago', until: now() - 1 })
      await polled()
      t.same([await statusOf(token), await statusOf(old)], [401, 401])
      t.equal(await statusOf(tokenOf('long-ago')), 200)
      // The event to wait for is the time itself.
      await pause(until * 1000 - Date.now() + 50)
      t.same([await statusOf(token), await statusOf(old)], [200, 200])
    })

    t.test("one issuer's list does not reach another's sessions, nor its credential", async (t) => {
      const list = revocationList([{ sid: 'session-1' }, { sub: '6', cutoff: now() + 60 }])
      const bridge = await startBridgeOf(t, list)
      const b = await startBridge(t, [key.publicJwk], 'https://b.example', 'credential-of-b')
      b.respondValidate = (response) => response.end('{"status":"Invalid"}')
      const both = `issuer ${bridge.issuer} ${b.issuer};`
      const { gate, statusOf, polled } = await scene(t, engine, {
        bridge,
        secrets: [b.credential],
        settings: both,
        issuers: `issuer ${b.issuer}; jwks ${b.jwksUrl}; revocations ${b.revocationsUrl};
          validate ${b.validateUrl}; credential ${b.credential};`,
        server: `location /ask {
          set $drawbridge "audience ${AUDIENCE}; scope *; mode introspect; ${both}";
          PROTECT
        }`,
      })
      await polled()
      t.equal(await statusOf(mint(key)), 401)
      t.equal(await statusOf(mint(key, { iss: b.issuer })), 200)
      t.equal(await statusOf(mint(key), '/ask'), 401)
      t.equal(await statusOf(mint(key, { iss: b.issuer }), '/ask'), 401)

      for (const asked of [bridge, b]) {
        t.ok(asked.polls > 0)
        t.equal(asked.questions.length, 1)
        for (const { path, authorization } of asked.seen) {
          const expected = path === '/jwks' ? undefined : `Bearer ${asked.credential}`
          t.equal(authorization, expected, `${asked.issuer} ${path}`)
        }
      }
      t.notMatch(gate.errorLog(), '[error]')
    })
    t.end()
  })
}
