/** The explicit question to the bridge: flow A6, A6.1, B4. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { REFRESH_TOKEN_TYP } from '@drawbridge/bridge/contract'
import { ENGINES, startGate } from '../support/gate.ts'
import { statusesOf } from '../support/pipeline.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, startNeighbours, verdict } from '../support/servers.ts'
import { AUDIENCE, claims, ISSUER, mint, newKey, now } from '../support/tokens.ts'

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        js_fetch_timeout 300ms;
        location / {
          set $drawbridge "audience ${AUDIENCE}; scope odoo.read; mode introspect;";
          PROTECT
          ${pass}
        }
      `,
    })
    const token = mint(key)
    const ask = async (body: unknown) => {
      bridge.respondValidate = verdict(body)
      return gate.request('/', { token })
    }

    t.test(
      'A6, A6.1: Valid passes; the bridge is asked with token, audience, credential',
      async (t) => {
        const answer = await ask({ status: 'Valid', claims: claims({ sub: '7' }) })
        t.equal(answer.status, 200)
        t.equal(upstream.seen.at(-1)?.headers['drawbridge-sub'], '7')
        t.same(bridge.questions, [
          { token, audience: AUDIENCE, authorization: 'Bearer gate-secret' },
        ])
        t.equal(bridge.jwksFetches, 0)
      },
    )

    t.test('A6.1, A8.1: Invalid and Expired are told apart', async (t) => {
      const invalid = await ask({ status: 'Invalid' })
      t.equal(invalid.status, 401)
      t.match(invalid.headers['www-authenticate'], 'The access token is invalid')
      const expired = await ask({ status: 'Expired' })
      t.equal(expired.status, 401)
      t.match(expired.headers['www-authenticate'], 'The access token expired')
    })

    t.test("A6.1: the location's own checks come on top of Valid", async (t) => {
      const status = async (changes: Record<string, unknown>) =>
        (await ask({ status: 'Valid', claims: claims(changes) })).status
      t.equal(await status({}), 200)
      t.equal(await status({ scope: 'odoo.write' }), 403)
      t.equal(await status({ exp: now() - 60, iat: now() - 120 }), 401)
      t.equal(await status({ aud: `${ISSUER}/mail` }), 401)
      t.equal(await status({ iss: 'https://evil.example' }), 401)
      t.equal(await status({ exp: now() + 5000 }), 401)
    })

    t.test('A8.1: what is no access token is not asked about', async (t) => {
      const before = bridge.questions.length
      t.equal((await gate.request('/')).status, 401)
      t.equal((await gate.request('/', { token: 'x.y' })).status, 401)
      const refresh = mint(key, {}, REFRESH_TOKEN_TYP)
      t.equal((await gate.request('/', { token: refresh })).status, 401)
      t.equal(bridge.questions.length, before)
    })

    t.test('A6: anything but a clean answer: 503, and the upstream sees nothing', async (t) => {
      const before = upstream.seen.length
      const valid = JSON.stringify({ status: 'Valid', claims: claims() })
      const answers: Record<string, typeof bridge.respondValidate> = {
        'an error': (response) => response.writeHead(500).end(valid),
        'a wrong credential': (response) => response.writeHead(401).end('{}'),
        'a redirect': (response) => response.writeHead(302, { location: bridge.jwksUrl }).end(),
        'no JSON': (response) => response.end('Valid'),
        'a list': verdict(['Valid']),
        'another case': verdict({ status: 'valid', claims: claims() }),
        'no claims': verdict({ status: 'Valid' }),
        'claims in words': verdict({ status: 'Valid', claims: 'all' }),
        'claims without a session': verdict({ status: 'Valid', claims: claims({ sid: null }) }),
        'a hang-up': (response) => response.destroy(),
        silence: () => undefined,
      }
      for (const [what, respond] of Object.entries(answers)) {
        bridge.respondValidate = respond
        const answer = await gate.request('/', { token })
        t.equal(answer.status, 503, what)
        t.equal(answer.headers['retry-after'], '2', what)
      }
      t.equal(upstream.seen.length, before)
      t.match(gate.errorLog(), `drawbridge: no verdict from ${bridge.validateUrl}`)
      t.notMatch(gate.errorLog(), 'gate-secret')
      t.notMatch(gate.errorLog(), token)
    })

    t.test('A6: nothing is remembered: each request asks', async (t) => {
      t.equal((await ask({ status: 'Valid', claims: claims() })).status, 200)
      t.equal((await ask({ status: 'Invalid' })).status, 401)
    })
  })

  t.test(`${engine.name}: an answer that serves for a while`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    const location = (path: string, settings: string) => `
      location ${path} {
        set $drawbridge "mode introspect; ${settings}";
        PROTECT
        ${pass}
      }`
    const gate = await startGate(t, engine, {
      bridge,
      zones: { drawbridge_answers: '64k' },
      server: `
        keepalive_requests 100000;
        ${location('/', `audience ${AUDIENCE}; scope *; introspect_cache 60; leeway 0;`)}
        ${location('/brief', `audience ${AUDIENCE}; scope *; introspect_cache 1;`)}
        ${location('/never', `audience ${AUDIENCE}; scope *;`)}
        ${location('/admin', `audience ${AUDIENCE}; scope odoo.admin; introspect_cache 60;`)}
        ${location('/role', `audience ${AUDIENCE}; scope *; role admin; introspect_cache 60;`)}
        ${location('/mail', `audience ${ISSUER}/mail; scope *; introspect_cache 60;`)}`,
    })
    noLeaks(t, gate, bridge.credential)
    const audiences = [AUDIENCE, `${ISSUER}/mail`]
    /** A token that the bridge will call valid, with these claims. */
    const valid = (changes: Record<string, unknown> = {}): string => {
      const named = { aud: audiences, jti: crypto.randomUUID(), ...changes }
      bridge.respondValidate = verdict({ status: 'Valid', claims: claims(named) })
      return mint(key, named)
    }
    const askOften = async (token: string, path = '/', times = 20) => {
      const before = bridge.questions.length
      const statuses = new Set<number>()
      for (let i = 0; i < times; i++) statuses.add((await gate.request(path, { token })).status)
      return { statuses: [...statuses], asked: bridge.questions.length - before }
    }

    t.test('B4: asked once, for all workers, and with the same outcome', async (t) => {
      t.same(await askOften(valid()), { statuses: [200], asked: 1 })
      t.match(upstream.seen.at(-1)?.headers, { 'drawbridge-sub': '6' })
      t.same(await askOften(valid(), '/never', 5), { statuses: [200], asked: 5 })
      for (const status of ['Invalid', 'Expired']) {
        const token = valid()
        bridge.respondValidate = verdict({ status })
        t.same(await askOften(token), { statuses: [401], asked: 1 })
      }
    })

    t.test('B4: for no longer than the location says', async (t) => {
      const token = valid()
      t.same(await askOften(token, '/brief', 3), { statuses: [200], asked: 1 })
      t.same(await askOften(token), { statuses: [200], asked: 1 })
      bridge.respondValidate = verdict({ status: 'Invalid' })
      await pause(1100)
      t.same(await askOften(token, '/brief'), { statuses: [401], asked: 1 }, 'though / knows one')
      t.same(await askOften(token), { statuses: [200], asked: 0 })
    })

    t.test('B4: about one audience', async (t) => {
      const token = valid()
      t.same(await askOften(token), { statuses: [200], asked: 1 })
      bridge.respondValidate = verdict({ status: 'Invalid' })
      t.same(await askOften(token, '/mail'), { statuses: [401], asked: 1 })
      t.same(
        bridge.questions.slice(-2).map(({ audience }) => audience),
        audiences,
      )
    })

    t.test("B4: the location's own checks come on top, each time", async (t) => {
      const token = valid()
      t.same(await askOften(token), { statuses: [200], asked: 1 })
      t.same(await askOften(token, '/admin'), { statuses: [403], asked: 0 })
      t.same(await askOften(token, '/role'), { statuses: [403], asked: 0 })
      const exp = now() + 2
      const brief = valid({ exp })
      t.same(await askOften(brief), { statuses: [200], asked: 1 })
      // The event to wait for is the time itself.
      await pause(exp * 1000 - Date.now() + 20)
      t.same(await askOften(brief), { statuses: [401], asked: 0 })
      await t.resolves(gate.logged('/ 401 expired'))
    })

    t.test('B4: what was no answer is not kept', async (t) => {
      const token = valid()
      const good = bridge.respondValidate
      bridge.respondValidate = (response) => response.writeHead(500).end()
      t.same(await askOften(token, '/', 3), { statuses: [503], asked: 3 })
      bridge.respondValidate = good
      t.same(await askOften(token), { statuses: [200], asked: 1 })
    })

    t.test('A6: a full zone lets go of the oldest, and turns nobody away', async (t) => {
      bridge.respondValidate = verdict({ status: 'Invalid' })
      const strangers = Array.from({ length: 1000 }, () => mint(key))
      t.same(new Set(await statusesOf(gate.socketPath, '/', strangers)), new Set([401]))
      for (let i = 0; i < 10; i++) {
        // More than what gives way for it leaves in one piece.
        const roles = Array.from({ length: 600 }, (_, role) => `role-${String(role)}`)
        const token = valid()
        bridge.respondValidate = verdict({ status: 'Valid', claims: claims({ roles }) })
        t.same((await askOften(token, '/', 2)).statuses, [200])
        bridge.respondValidate = verdict({ status: 'Invalid' })
        t.same((await askOften(mint(key), '/', 2)).statuses, [401])
      }
    })
  })

  t.test(`${engine.name}: without a way to ask`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const silent = 'https://silent.example'
    const gate = await startGate(t, engine, {
      bridge,
      issuers: `issuer ${silent}; jwks ${bridge.jwksUrl}; revocations off;`,
      server: `location / {
        set $drawbridge "issuer ${silent}; audience ${AUDIENCE}; scope *; mode introspect;";
        PROTECT
      }`,
    })
    t.equal((await gate.request('/', { token: mint(key, { iss: silent }) })).status, 500)
    t.equal(bridge.questions.length, 0)
    t.match(gate.errorLog(), `"validate" or "credential" is not set for ${silent}`)
  })
}
