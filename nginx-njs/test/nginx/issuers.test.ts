/** Locations that take tokens of several issuers, or for several audiences. */
import t from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, startUpstream } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, newKey } from '../support/tokens.ts'

const B = 'https://b.example'
/** Nothing listens there. */
const C = 'https://c.example'
const BOTH = `issuer ${ISSUER} ${B};`

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    // Of one name, and of nothing else in common.
    const [keyA, keyB] = [newKey('key-1'), newKey('key-1')]
    const a = await startBridge(t, [keyA.publicJwk])
    const b = await startBridge(t, [keyB.publicJwk], B, 'credential-of-b')
    const upstream = await startUpstream(t)
    upstream.respond = (request, response) => {
      if (request.url === '/both-to-a') response.setHeader('X-Accel-Redirect', '/a')
      if (request.url === '/b-to-both') response.setHeader('X-Accel-Redirect', '/both')
      response.end('the data')
    }
    const location = (path: string, settings: string) => `
      location ${path} {
        set $drawbridge "scope *; ${settings}";
        PROTECT
        proxy_pass ${upstream.url};
      }`
    const gate = await startGate(t, engine, {
      bridge: a,
      issuers: `
        issuer ${B}; jwks ${b.jwksUrl}; revocations off;
        issuer ${C}; jwks http://127.0.0.1:1/; revocations off;`,
      server: `
        ${location('/first', `audience ${AUDIENCE};`)}
        ${location('/a', `audience ${AUDIENCE}; issuer ${ISSUER};`)}
        ${location('/b', `audience ${AUDIENCE}; issuer ${B};`)}
        ${location('/both', `audience ${AUDIENCE}; ${BOTH}`)}
        ${location('/three', `audience ${AUDIENCE}; issuer ${C} ${ISSUER} ${B};`)}
        ${location('/both-to-a', `audience ${AUDIENCE}; ${BOTH}`)}
        ${location('/b-to-both', `audience ${AUDIENCE}; issuer ${B};`)}
        ${location('/audiences', `audience ${AUDIENCE} ${ISSUER}/mail;`)}`,
    })
    noLeaks(t, gate, a.credential, b.credential)
    const tokenA = mint(keyA)
    const tokenB = mint(keyB, { iss: B })
    const statusOf = async (path: string, token: string) =>
      (await gate.request(path, { token })).status

    t.test('a location takes the issuers that it names, or the first', async (t) => {
      for (let round = 0; round < 5; round++) {
        for (const [path, forA, forB] of [
          ['/both', 200, 200],
          ['/first', 200, 401],
          ['/a', 200, 401],
          ['/b', 401, 200],
        ] as const) {
          t.equal(await statusOf(path, tokenA), forA, path)
          t.equal(await statusOf(path, tokenB), forB, path)
        }
      }
      await t.resolves(gate.logged('/a 401 wrong_issuer'))
    })

    t.test("nobody signs in another issuer's name", async (t) => {
      const forged = [mint(keyB), mint(keyA, { iss: B }), mint(keyB, { iss: `${B}/` })]
      for (const token of forged) {
        for (const path of ['/first', '/a', '/b', '/both']) {
          t.equal(await statusOf(path, token), 401, path)
        }
      }
      await t.resolves(gate.logged('/both 401 bad_signature'))
    })

    t.test('the same user and session of both are told apart', async (t) => {
      for (const [token, iss] of [
        [tokenA, ISSUER],
        [tokenB, B],
        [tokenA, ISSUER],
      ] as const) {
        t.equal(await statusOf('/both', token), 200)
        const { headers } = upstream.seen.at(-1) ?? {}
        t.match(headers, {
          'drawbridge-iss': iss,
          'drawbridge-sub': '6',
          'drawbridge-sid': 'session-1',
        })
      }
    })

    t.test('a location that leads to another one lends it no issuer', async (t) => {
      t.equal(await statusOf('/both-to-a', tokenA), 200)
      t.equal(await statusOf('/both-to-a', tokenB), 401)
      t.equal(await statusOf('/b-to-both', tokenA), 401)
      t.equal(await statusOf('/b-to-both', tokenB), 200)
    })

    t.test('one of several audiences is enough', async (t) => {
      const of = (aud: unknown) => statusOf('/audiences', mint(keyA, { aud }))
      t.equal(await of(AUDIENCE), 200)
      t.equal(await of(`${ISSUER}/mail`), 200)
      t.equal(await of(['x', `${ISSUER}/mail`]), 200)
      t.equal(await of([AUDIENCE, `${ISSUER}/mail`]), 200)
      t.equal(await of(['x', 'y']), 401)
      t.equal(await of(`${AUDIENCE} ${ISSUER}/mail`), 401)
      t.equal(await of(ISSUER), 401)
    })

    t.test('one issuer out of reach is no trouble for the other', async (t) => {
      t.equal(await statusOf('/three', mint(keyA, { iss: C })), 503)
      t.equal(await statusOf('/three', mint(keyA)), 200)
      t.equal(await statusOf('/three', mint(keyB, { iss: B })), 200)
      await t.resolves(gate.logged('/three 503 keys_unavailable'))
    })
  })
}
