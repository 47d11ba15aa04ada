/** What is remembered of a token spares its signature, and nothing else. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  type Engine,
  ENGINES,
  type Gate,
  type GateConfig,
  QUICK_KEYS,
  startGate,
} from '../support/gate.ts'
import { statusesOf } from '../support/pipeline.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, type TestBridge } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, newKey, now, swapPayload } from '../support/tokens.ts'

const key = newKey('key-1')
const B = 'https://b.example'

/** Enough for every fast lane of every worker to hold it. */
const OFTEN = 100
const ROUND = 10

async function scene(
  t: Test,
  engine: Engine,
  config: Omit<GateConfig, 'server'> & { locations: Record<string, string>; server?: string },
): Promise<{
  gate: Gate
  /** The one status that a token gets there each time. */
  statusOf: (path: string, token: string, times?: number) => Promise<number>
}> {
  const locations = Object.entries(config.locations).map(
    ([path, settings]) => `location ${path} { set $drawbridge "${settings}"; PROTECT empty_gif; }`,
  )
  const server = ['keepalive_requests 1000000;', config.server ?? '', ...locations].join('\n')
  const gate = await startGate(t, engine, { ...config, server })
  noLeaks(t, gate, 'gate-secret')
  return {
    gate,
    statusOf: async (path, token, times = 1) => {
      const statuses = new Set<number>()
      // New connections each time, which may come to another worker.
      for (let left = times; left > 0; left -= ROUND) {
        const asked = Array<string>(Math.min(left, ROUND)).fill(token)
        for (const status of await statusesOf(gate.socketPath, path, asked)) statuses.add(status)
      }
      t.equal(statuses.size, 1, `${path}: ${[...statuses].join(', ')}`)
      return [...statuses][0] as number
    },
  }
}

/** Makes the gate fetch its keys, and waits for it. */
const publish = async (bridge: TestBridge, gate: Gate, keys: unknown[]): Promise<void> => {
  bridge.jwks = { keys }
  const fetched = once(bridge.events, 'jwks')
  // An unknown key makes it look.
  const looked = gate.request('/', { token: mint(newKey(crypto.randomUUID())) })
  await fetched
  await looked
}

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    t.test('the memo is of the whole token', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { statusOf } = await scene(t, engine, {
        bridge,
        locations: { '/': `audience ${AUDIENCE}; scope *;` },
      })
      const token = mint(key)
      t.equal(await statusOf('/', token, OFTEN), 200)
      const [header, payload, signature] = token.split('.') as [string, string, string]
      const [otherHeader] = mint(key, {}, 'application/at+jwt').split('.') as [string]
      const other = mint(key, { sub: '7' })
      t.equal(await statusOf('/', other, OFTEN), 200)
      const flipped = signature.startsWith('A') ? 'B' : 'A'
      const swapped = {
        'other claims': swapPayload(token, { sub: '2', roles: ['admin'] }),
        'the claims of another': `${header}.${other.split('.')[1] ?? ''}.${signature}`,
        'the signature of another': `${header}.${payload}.${other.split('.')[2] ?? ''}`,
        'another header': `${otherHeader}.${payload}.${signature}`,
        'the first byte of the signature': `${header}.${payload}.${flipped}${signature.slice(1)}`,
        'no signature': `${header}.${payload}.`,
        'one more': `${token}A`,
        'one less': token.slice(0, -1),
        'a part more': `${token}.`,
      }
      for (const [what, wrong] of Object.entries(swapped)) {
        t.equal(await statusOf('/', wrong, 10), 401, what)
      }
      t.equal(await statusOf('/', token, OFTEN), 200)
    })

    t.test('another spelling of the scheme is the same token, and as good', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { gate, statusOf } = await scene(t, engine, {
        bridge,
        locations: { '/': `audience ${AUDIENCE}; scope *;` },
      })
      const token = mint(key)
      t.equal(await statusOf('/', token, OFTEN), 200)
      for (const [value, status] of [
        [`bearer ${token}`, 200],
        [`BEARER   ${token}`, 200],
        [`Bearer${token}`, 401],
        [`Basic ${token}`, 401],
        [token, 401],
      ] as const) {
        const answer = await gate.request('/', { headers: [['Authorization', value]] })
        t.equal(answer.status, status, value.slice(0, 9))
      }
    })

    t.test('warm in a weak location is nothing in a strict one, and the other way', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const b = await startBridge(t, [key.publicJwk], B)
      const both = `${ISSUER} ${B}`
      const { statusOf } = await scene(t, engine, {
        bridge,
        issuers: `issuer ${B}; jwks ${b.jwksUrl}; revocations off;`,
        locations: {
          '/': `audience ${AUDIENCE}; scope *; issuer ${both}; max_lifetime 7200; leeway 60;`,
          '/audience': `audience ${AUDIENCE}/more; scope *;`,
          '/scope': `audience ${AUDIENCE}; scope odoo.admin;`,
          '/role': `audience ${AUDIENCE}; scope *; role admin;`,
          '/issuer': `audience ${AUDIENCE}; scope *; issuer ${ISSUER};`,
          '/max-age': `audience ${AUDIENCE}; scope *; max_age 60;`,
          '/max-lifetime': `audience ${AUDIENCE}; scope *; max_lifetime 900;`,
          '/leeway': `audience ${AUDIENCE}; scope *; leeway 0; max_lifetime 7200;`,
        },
      })
      const cases: [path: string, status: number, changes: Record<string, unknown>][] = [
        ['/audience', 401, {}],
        ['/scope', 403, {}],
        ['/role', 403, {}],
        ['/issuer', 401, { iss: B }],
        ['/max-age', 401, { iat: now() - 100 }],
        ['/max-lifetime', 401, { exp: now() + 1000 }],
        ['/leeway', 401, { exp: now() - 10, iat: now() - 600 }],
        ['/leeway', 401, { nbf: now() + 30 }],
      ]
      for (const [path, status, changes] of cases) {
        const token = mint(key, changes)
        t.equal(await statusOf('/', token, OFTEN), 200, path)
        t.equal(await statusOf(path, token, 20), status, path)
        t.equal(await statusOf('/', token, OFTEN), 200, path)
        t.equal(await statusOf(path, token, 20), status, path)
        const strictFirst = mint(key, changes)
        t.equal(await statusOf(path, strictFirst, 20), status, path)
        t.equal(await statusOf('/', strictFirst, 20), 200, path)
        t.equal(await statusOf(path, strictFirst, 20), status, path)
      }
    })

    t.test('a location that asks for other things by the request', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { statusOf } = await scene(t, engine, {
        bridge,
        http: 'map $arg_strict $wanted { default *; 1 odoo.admin; }',
        locations: { '/': `audience ${AUDIENCE}; scope $wanted;` },
      })
      const token = mint(key)
      for (let round = 0; round < 3; round++) {
        t.equal(await statusOf('/', token, OFTEN), 200)
        t.equal(await statusOf('/?strict=1', token, OFTEN), 403)
      }
    })

    t.test('a withdrawn key', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { gate, statusOf } = await scene(t, engine, {
        bridge,
        // Every key that is asked for in vain makes it fetch again.
        server: QUICK_KEYS,
        locations: { '/': `audience ${AUDIENCE}; scope *; keys_max_stale 3600;` },
      })
      while (bridge.jwksFetches === 0) await once(bridge.events, 'jwks')
      const [withdrawn, stays] = [mint(key), newKey('key-2')]
      t.equal(await statusOf('/', withdrawn, OFTEN), 200)
      await publish(bridge, gate, [stays.publicJwk])
      t.equal(await statusOf('/', withdrawn, OFTEN), 401)
      await t.resolves(gate.logged('/ 401 unknown_key'))
    })

    t.test('another key under the same kid', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { gate, statusOf } = await scene(t, engine, {
        bridge,
        server: QUICK_KEYS,
        locations: { '/': `audience ${AUDIENCE}; scope *;` },
      })
      while (bridge.jwksFetches === 0) await once(bridge.events, 'jwks')
      const other = newKey('key-1')
      const [before, after] = [mint(key), mint(other)]
      t.equal(await statusOf('/', before, OFTEN), 200)
      t.equal(await statusOf('/', after), 401)
      await publish(bridge, gate, [other.publicJwk])
      t.equal(await statusOf('/', before, OFTEN), 401)
      t.equal(await statusOf('/', after, OFTEN), 200)
      await t.resolves(gate.logged('/ 401 bad_signature'))
    })

    t.test('a full memo lets go of the oldest, and never of its mind', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { gate, statusOf } = await scene(t, engine, {
        bridge,
        zones: { drawbridge_memo: '64k' },
        locations: { '/': `audience ${AUDIENCE}; scope *;` },
      })
      const warm = mint(key, { exp: now() + 900 })
      t.equal(await statusOf('/', warm, OFTEN), 200)
      const tokens = Array.from({ length: 1500 }, (_, i) =>
        mint(key, { sid: `session-${String(i)}` }),
      )
      const forged = tokens.map((token) => swapPayload(token, { sub: '2' }))
      const mixed = tokens.flatMap((token, i) => [token, forged[i] as string, warm])
      const expected = tokens.flatMap(() => [200, 401, 200])
      t.same(await statusesOf(gate.socketPath, '/', mixed), expected)
      t.same(await statusesOf(gate.socketPath, '/', mixed.slice(0, 300)), expected.slice(0, 300))
      t.notMatch(gate.errorLog(), 'the memo is full')
      // nginx 1.26 says so each time that an entry has to give way.
      const log = gate.errorLog().replaceAll(/.*no memory in js shared zone.*/g, '')
      t.notMatch(log, /\[(?:error|alert|crit|emerg)\]/)
    })

    t.test('what was said of one token ends with it', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const { gate, statusOf } = await scene(t, engine, {
        bridge,
        locations: {
          '/': `audience ${AUDIENCE}; scope *; leeway 0;`,
          '/max-age': `audience ${AUDIENCE}; scope *; leeway 0; max_age 60;`,
        },
      })
      const end = now() + 2
      const expires = mint(key, { exp: end })
      const ages = mint(key, { iat: end - 60 })
      t.equal(await statusOf('/', expires, OFTEN), 200)
      t.equal(await statusOf('/max-age', ages, OFTEN), 200)
      let began = 0
      let before = 0
      do {
        before = began
        began = Date.now()
      } while ((await gate.request('/', { token: expires })).status === 200)
      t.ok(before < end * 1000, 'none passed that came later')
      t.ok(Date.now() >= end * 1000, 'none was refused that came earlier')
      await pause(end * 1000 + 10 - Date.now())
      t.equal(await statusOf('/', expires, OFTEN), 401)
      t.equal(await statusOf('/max-age', ages, OFTEN), 401)
      t.equal(await statusOf('/', ages, OFTEN), 200)
      await t.resolves(gate.logged('/ 401 expired'))
      await t.resolves(gate.logged('/max-age 401 too_old'))
    })
    t.end()
  })
}
