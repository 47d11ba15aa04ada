/** Where the gate's keys come from and how long they last: flow A6, by its cached key. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { type Engine, ENGINES, type GateTest, QUICK_KEYS, startGate } from '../support/gate.ts'
import { statusesOf } from '../support/pipeline.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, startUpstream, type TestBridge } from '../support/servers.ts'
import { AUDIENCE, claims, goodHeader, handmade, mint, newKey } from '../support/tokens.ts'

const start = async (
  t: GateTest,
  engine: Engine,
  bridge: TestBridge,
  settings = '',
  server = '',
) => {
  const upstream = await startUpstream(t)
  const protect = `
    set $drawbridge "audience ${AUDIENCE}; scope *; ${settings}";
    PROTECT
    proxy_pass ${upstream.url};`
  return startGate(t, engine, { bridge, server: `${server} location / { ${protect} }` })
}

/** Until the bridge was asked for its keys `times` times. */
const fetched = async (bridge: TestBridge, times: number): Promise<void> => {
  while (bridge.jwksFetches < times) await once(bridge.events, 'jwks')
}

const hangUp: TestBridge['respondJwks'] = (response) => {
  response.destroy()
}

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    t.test('A6: one fetch serves every request of every worker', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      bridge.respondJwks = (response) => {
        setTimeout(() => response.end(JSON.stringify(bridge.jwks)), 200)
      }
      const gate = await start(t, engine, bridge)
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => gate.request('/', { token: mint(key) })),
      )
      t.same(new Set(answers.map((answer) => answer.status)), new Set([200]))
      for (let i = 0; i < 20; i++) await gate.request('/', { token: mint(key) })
      t.equal(bridge.jwksFetches, 1)
      t.equal(bridge.questions.length, 0)
    })

    t.test('A6: who fetches and goes away holds nobody else up', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const asked = Promise.withResolvers<ServerResponse>()
      bridge.respondJwks = asked.resolve
      const gate = await start(t, engine, bridge, '', 'http2 on;')
      // A stream that is reset ends its request at once; over HTTP/1.1 nginx would not even look.
      const client = connectHttp2('http://gate.example', {
        createConnection: () => connect(gate.socketPath),
      })
      const stream = client.request({ ':path': '/', authorization: `Bearer ${mint(key)}` })
      stream.on('error', () => undefined)
      const response = await asked.promise
      const gone = once(stream, 'close')
      stream.close()
      await gone
      client.close()
      delete bridge.respondJwks
      response.end(JSON.stringify(bridge.jwks))
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
    })

    t.test('A6: the keys are there before the first request', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, '', 'include /mnt/conf/periodic.conf;')
      await fetched(bridge, 1)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      t.equal(bridge.jwksFetches, 1)
    })

    t.test('A6: a new kid is fetched once, unknown ones cause no flood', async (t) => {
      const key = newKey('key-1')
      const next = newKey('key-2')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      await fetched(bridge, 1)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)

      bridge.jwks = { keys: [key.publicJwk, next.publicJwk] }
      t.equal((await gate.request('/', { token: mint(next) })).status, 200)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      t.equal(bridge.jwksFetches, 2)

      const strangers = Array.from({ length: 100 }, (_, i) => newKey(`unknown-${i}`))
      const answers = await Promise.all(
        strangers.map((stranger) => gate.request('/', { token: mint(stranger) })),
      )
      t.same(new Set(answers.map((answer) => answer.status)), new Set([401]))
      t.equal(bridge.jwksFetches, 2)
      await t.resolves(gate.logged('401 unknown_key'))
    })

    t.test('A6: 10,000 kids that nobody publishes cause two fetches at most', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const server = `
        keepalive_requests 100000;
        location /image { set $drawbridge "audience ${AUDIENCE}; scope *;"; PROTECT empty_gif; }`
      const gate = await start(t, engine, bridge, '', server)
      noLeaks(t, gate)
      const token = mint(key)
      t.equal((await gate.request('/', { token })).status, 200)
      const [, payload, signature] = token.split('.') as [string, string, string]
      const strangers = Array.from({ length: 10_000 }, () => {
        const header = { ...goodHeader(key), kid: crypto.randomUUID() }
        const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
        return [encoded, payload, signature].join('.')
      })
      const statuses = await statusesOf(gate.socketPath, '/image', strangers)
      t.same(new Set(statuses), new Set([401]))
      t.ok(bridge.jwksFetches <= 2, String(bridge.jwksFetches))
      t.same(
        new Set(await statusesOf(gate.socketPath, '/image', strangers.slice(-500))),
        new Set([401]),
      )
      t.ok(bridge.jwksFetches <= 2, String(bridge.jwksFetches))
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      t.notMatch(gate.errorLog(), /\[(?:alert|emerg|error)\]/)
    })

    t.test('A8.1: a key that the build cannot verify with is said once', async (t) => {
      const key = newKey('key-1')
      const edwards = newKey('key-2', 'EdDSA')
      const bridge = await startBridge(t, [edwards.publicJwk, key.publicJwk])
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      noLeaks(t, gate)
      await fetched(bridge, 1)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      for (let i = 0; i < 3; i++) {
        t.equal((await gate.request('/', { token: mint(edwards) })).status, 401)
      }
      await t.resolves(gate.logged('/ 401 unknown_key'))
      t.equal(bridge.jwksFetches, 2)
      const lines = gate.errorLog().match(/.*cannot import the key.*/g) ?? []
      t.equal(lines.length, 1)
      t.match(lines[0], `the key "key-2" (EdDSA) of ${bridge.jwksUrl}, its tokens are refused: `)
    })

    t.test('A6: a withdrawn key withdraws the tokens that are in the memo', async (t) => {
      const key = newKey('key-1')
      const next = newKey('key-2')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      await fetched(bridge, 1)
      const token = mint(key)
      t.equal((await gate.request('/', { token })).status, 200)

      bridge.jwks = { keys: [next.publicJwk] }
      t.equal((await gate.request('/', { token: mint(next) })).status, 200, 'makes it fetch')
      t.equal((await gate.request('/', { token })).status, 401)
    })

    t.test('A6: other key material under the same kid counts as another key', async (t) => {
      const key = newKey('key-1')
      const replaced = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      await fetched(bridge, 1)
      const token = mint(key)
      t.equal((await gate.request('/', { token })).status, 200)

      const next = newKey('key-2')
      bridge.jwks = { keys: [replaced.publicJwk, next.publicJwk] }
      t.equal((await gate.request('/', { token: mint(next) })).status, 200, 'makes it fetch')
      t.equal((await gate.request('/', { token })).status, 401)
      t.equal((await gate.request('/', { token: mint(replaced) })).status, 200)
    })

    t.test('A6: a key that signs ID tokens alone is no key here', async (t) => {
      const key = newKey('key-1')
      const other = newKey('key-2', 'RS256')
      for (const [mark, status] of [
        [{}, 200],
        [{ drawbridge_signs: 'id_token' }, 401],
      ] as const) {
        const bridge = await startBridge(t, [key.publicJwk, { ...other.publicJwk, ...mark }])
        const gate = await start(t, engine, bridge)
        t.equal((await gate.request('/', { token: mint(key) })).status, 200)
        t.equal((await gate.request('/', { token: mint(other) })).status, status)
      }
    })

    t.test(
      'A6: with the bridge gone, the cached keys serve; what they cannot decide is 503',
      async (t) => {
        const key = newKey('key-1')
        const bridge = await startBridge(t, [key.publicJwk])
        const gate = await start(t, engine, bridge, '', QUICK_KEYS)
        await fetched(bridge, 1)
        const token = mint(key)
        t.equal((await gate.request('/', { token })).status, 200)

        bridge.respondJwks = hangUp
        t.equal((await gate.request('/', { token })).status, 200)
        t.equal((await gate.request('/', { token: mint(key) })).status, 200, 'not seen before')
        const answer = await gate.request('/', { token: mint(newKey('unknown')) })
        t.equal(answer.status, 503)
        t.equal(answer.headers['retry-after'], '2')
        t.notOk(answer.headers['www-authenticate'])
        t.match(JSON.parse(answer.body), { error: 'temporarily_unavailable' })
        t.match(gate.errorLog(), `drawbridge: no key set from ${bridge.jwksUrl}`)
      },
    )

    t.test('A6: cached keys serve no longer than their bound', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, 'keys_max_stale 1;')
      const token = mint(key)
      t.equal((await gate.request('/', { token })).status, 200)
      bridge.respondJwks = hangUp
      await pause(1100)
      t.equal((await gate.request('/', { token })).status, 503)
    })

    t.test('A6: no key at all: 503, and open again as soon as the bridge answers', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      bridge.respondJwks = hangUp
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      t.equal((await gate.request('/', { token: mint(key) })).status, 503)
      delete bridge.respondJwks
      // It ends by the time limit of the test if the gate stays closed.
      while ((await gate.request('/', { token: mint(key) })).status !== 200) await pause(50)
    })

    t.test('A6: an answer that is no key set does not replace one', async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const gate = await start(t, engine, bridge, '', QUICK_KEYS)
      await fetched(bridge, 1)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      for (const [status, text] of [
        [200, '<html>hello</html>'],
        [200, '{"keys":"none"}'],
        [500, JSON.stringify({ keys: [] })],
        [302, ''],
      ] as const) {
        bridge.respondJwks = (response) => {
          response.writeHead(status, { location: bridge.validateUrl }).end(text)
        }
        t.equal((await gate.request('/', { token: mint(newKey(`${status}`)) })).status, 503, text)
        t.equal((await gate.request('/', { token: mint(key) })).status, 200, text)
        // A failed fetch is not repeated for two seconds.
        await pause(2050)
      }
    })

    t.test('A8.1: keys that nobody may verify with', async (t) => {
      const key = newKey('key-1')
      const secret = { kty: 'oct', kid: 'secret', k: 'c2VjcmV0', alg: 'HS256' }
      const encryption = newKey('encryption')
      const bridge = await startBridge(t, [
        secret,
        { ...encryption.publicJwk, use: 'enc' },
        { ...key.publicJwk, alg: 'ES256' },
        null,
        'nonsense',
      ])
      const gate = await start(t, engine, bridge)
      t.equal((await gate.request('/', { token: mint(key) })).status, 200)
      t.equal((await gate.request('/', { token: mint(encryption) })).status, 401)
      const header = { ...goodHeader(key), alg: 'HS256', kid: 'secret' }
      const token = handmade(key, header, claims())
      t.equal((await gate.request('/', { token })).status, 401)
    })

    if (engine.keepsKeys) {
      t.test('A6: the keys outlive a restart, the bridge being gone', async (t) => {
        const key = newKey('key-1')
        const bridge = await startBridge(t, [key.publicJwk])
        const gate = await start(t, engine, bridge)
        t.equal((await gate.request('/', { token: mint(key) })).status, 200)
        // nginx writes the file a moment later, and not when it stops.
        while (!gate.file('keys.json').includes('key-1')) await pause(50)
        await gate.stop()
        bridge.respondJwks = hangUp
        await gate.start()
        t.equal((await gate.request('/', { token: mint(key) })).status, 200)
        t.equal(bridge.jwksFetches, 1)
      })
    }
    t.end()
  })
}
