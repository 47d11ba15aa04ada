/** What a location asks for beside the scope, and how it says no. Flow A7, B1. */
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startNeighbours } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, now } from '../support/tokens.ts'

/** An issuer where nothing listens. */
const DOWN = 'https://down.example'

for (const engine of ENGINES) {
  t.test(`${engine.name}: what is asked for beside the scope`, async (t) => {
    const { key, bridge, pass } = await startNeighbours(t)
    const metadata = `${ISSUER}/.well-known/oauth-protected-resource`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location / { ${settings('role sales admin;')} PROTECT ${pass} }
        location /young { ${settings('max_age 60; leeway 0;')} PROTECT ${pass} }
        location /silent { ${settings('role sales; refusal_body off;')} PROTECT ${pass} }
        location /down {
          ${settings(`issuer ${DOWN}; refusal_body off;`)}
          PROTECT ${pass}
        }
        location /metadata {
          set $drawbridge "audience ${AUDIENCE}; scope odoo.admin; resource_metadata ${metadata};";
          PROTECT ${pass}
        }`,
      issuers: `issuer ${DOWN}; jwks http://127.0.0.1:1/; revocations off;`,
    })
    noLeaks(t, gate, bridge.credential)
    const ask = (path: string, changes: Record<string, unknown> = {}) =>
      gate.request(path, { token: mint(key, changes) })

    t.test('A7: one of the roles is enough; none of them: 403', async (t) => {
      t.equal((await ask('/', { roles: ['sales'] })).status, 200)
      t.equal((await ask('/', { roles: ['x', 'admin', 'y'] })).status, 200)
      for (const roles of [[], undefined, ['sale'], ['sales.admin'], ['Sales'], ['salesadmin']]) {
        const answer = await ask('/', { roles })
        t.equal(answer.status, 403, JSON.stringify(roles))
        t.match(answer.headers['www-authenticate'], 'error="access_denied"')
        t.match(JSON.parse(answer.body), { error: 'access_denied' })
      }
      await t.resolves(gate.logged('/ 403 insufficient_role'))
    })

    t.test('A7: a token that was issued too long ago: 401 that says so', async (t) => {
      t.equal((await ask('/young', { iat: now() - 50 })).status, 200)
      const answer = await ask('/young', { iat: now() - 70 })
      t.equal(answer.status, 401)
      t.match(answer.headers['www-authenticate'], 'The access token is too old for this')
      await t.resolves(gate.logged('/young 401 too_old'))
    })

    t.test('B1: refusals without a body', async (t) => {
      const answers: [number, Awaited<ReturnType<typeof ask>>][] = [
        [401, await gate.request('/silent')],
        [401, await ask('/silent', { aud: 'x' })],
        [403, await ask('/silent', { roles: [] })],
        [503, await ask('/down', { iss: DOWN })],
      ]
      for (const [status, answer] of answers) {
        t.equal(answer.status, status)
        t.equal(answer.body, '')
        t.equal(answer.headers['cache-control'], 'no-store')
        t.equal('www-authenticate' in answer.headers, status !== 503)
      }
      t.equal((await ask('/silent')).status, 200)
    })

    t.test('B1: where a token is had stands in every challenge, and nowhere else', async (t) => {
      const invalid = (text: string) => `, error="invalid_token", error_description="${text}"`
      // Without a token no error is told (RFC 6750 §3.1); the scope only where it is what lacks.
      const challenges: [Awaited<ReturnType<typeof ask>>, number, string][] = [
        [await gate.request('/metadata'), 401, ''],
        [
          await ask('/metadata', { iat: now() - 600, exp: now() - 60 }),
          401,
          invalid('The access token expired'),
        ],
        [await ask('/metadata', { aud: 'x' }), 401, invalid('The access token is invalid')],
        [
          await ask('/metadata'),
          403,
          ', error="insufficient_scope", error_description="The access token does not allow this", scope="odoo.admin"',
        ],
      ]
      for (const [answer, status, told] of challenges) {
        t.equal(answer.status, status)
        t.equal(
          answer.headers['www-authenticate'],
          `Bearer realm="drawbridge"${told}, resource_metadata="${metadata}"`,
        )
      }
      const headers: [string, string][] = [['Drawbridge-Sub', '2']]
      const answer = await gate.request('/metadata', { token: mint(key), headers })
      t.equal(answer.status, 400)
      t.notOk(answer.headers['www-authenticate'])
    })
  })
}
