/** Which tokens pass: flow A5–A8, B4–B6. */
import { REFRESH_TOKEN_TYP } from '@drawbridge/bridge/contract'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { startBridge, startUpstream } from '../support/servers.ts'
import {
  AUDIENCE,
  claims,
  goodHeader,
  handmade,
  hmacWithPublicKey,
  ISSUER,
  mint,
  newKey,
  now,
  swapPayload,
} from '../support/tokens.ts'

const INVALID =
  'Bearer realm="gate", error="invalid_token", error_description="The access token is invalid"'

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const key = newKey('key-1')
    const other = newKey('key-2')
    const bridge = await startBridge(t, [key.publicJwk, other.publicJwk])
    const upstream = await startUpstream(t)
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location / {
          set $drawbridge "audience ${AUDIENCE}; scope odoo.read; realm gate;";
          PROTECT
          proxy_pass ${upstream.url};
        }
        location /write {
          set $drawbridge "audience ${AUDIENCE}; scope odoo.read odoo.write;";
          PROTECT
          proxy_pass ${upstream.url};
        }
        location /mail {
          set $drawbridge "resource_metadata ${ISSUER}/.well-known/oauth-protected-resource/mail; audience ${ISSUER}/mail; scope *;";
          PROTECT
          proxy_pass ${upstream.url};
        }
        location /exact {
          set $drawbridge "audience ${AUDIENCE}; scope *; leeway 0;";
          PROTECT
          proxy_pass ${upstream.url};
        }
        location /short {
          set $drawbridge "audience ${AUDIENCE}; scope *; max_lifetime 300;";
          PROTECT
          proxy_pass ${upstream.url};
        }
      `,
    })

    t.test(
      'A5, A7.1: a valid token is forwarded, with who calls and without the token',
      async (t) => {
        const answer = await gate.request('/api/protected/data?x=1', { token: mint(key) })
        t.equal(answer.status, 200)
        t.equal(answer.body, 'the data')
        const seen = upstream.seen.at(-1)
        t.equal(seen?.url, '/api/protected/data?x=1')
        t.match(seen?.headers, {
          'drawbridge-sub': '6',
          'drawbridge-sid': 'session-1',
          'drawbridge-client-id': 'drawbridge-pwa',
          'drawbridge-scope': 'odoo.read odoo.write',
          'drawbridge-roles': 'internal sales',
        })
        t.notOk(seen?.headers.authorization)
        t.notOk(seen?.headers['drawbridge-gate-credential'])
      },
    )

    t.test('A7.1: several audiences, no roles, the long spelling of the type', async (t) => {
      const token = handmade(
        key,
        { ...goodHeader(key), typ: 'application/AT+JWT' },
        claims({ aud: ['x', AUDIENCE], roles: undefined }),
      )
      const answer = await gate.request('/', { token })
      t.equal(answer.status, 200)
      t.notOk(upstream.seen.at(-1)?.headers['drawbridge-roles'])
    })

    t.test('B5: the same token again is checked and passes again, on every worker', async (t) => {
      const token = mint(key)
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => gate.request('/', { token })),
      )
      t.same(new Set(answers.map((answer) => answer.status)), new Set([200]))
    })

    const refused = async (t: Test, path: string, token: string | undefined) => {
      const before = upstream.seen.length
      const answer = await gate.request(path, token === undefined ? {} : { token })
      t.equal(upstream.seen.length, before, 'the upstream sees nothing')
      t.notOk(answer.headers.location, 'never a redirect')
      t.equal(answer.headers['content-type'], 'application/json')
      t.equal(answer.headers['cache-control'], 'no-store')
      return { ...answer, json: JSON.parse(answer.body) as Record<string, string> }
    }

    t.test('B1: no token: 401, a challenge without an error', async (t) => {
      const answer = await refused(t, '/', undefined)
      t.equal(answer.status, 401)
      t.equal(answer.headers['www-authenticate'], 'Bearer realm="gate"')
      t.equal(answer.json.error, 'missing_token')
    })

    t.test('B1: no token, and the challenge points to where one is had', async (t) => {
      const answer = await refused(t, '/mail', undefined)
      t.equal(
        answer.headers['www-authenticate'],
        `Bearer realm="drawbridge", resource_metadata="${ISSUER}/.well-known/oauth-protected-resource/mail"`,
      )
    })

    t.test('B1: another scheme is no token', async (t) => {
      const answer = await gate.request('/', { headers: [['Authorization', 'Basic YTpi']] })
      t.equal(answer.status, 401)
      t.equal(answer.headers['www-authenticate'], 'Bearer realm="gate"')
    })

    t.test('B1: a token in the address or the body is none', async (t) => {
      const token = mint(key)
      const form: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
      const body = `access_token=${token}`
      const length: [string, string] = ['Content-Length', String(body.length)]
      for (const answer of [
        await gate.request(`/?access_token=${token}`),
        await gate.request('/', { method: 'POST', body, headers: [form, length] }),
      ]) {
        t.equal(answer.status, 401)
        t.equal(answer.headers['www-authenticate'], 'Bearer realm="gate"')
      }
    })

    t.test('A8.1, B6: an expired token: 401 that says so', async (t) => {
      const token = mint(key, { iat: now() - 700, exp: now() - 100 })
      const answer = await refused(t, '/', token)
      t.equal(answer.status, 401)
      t.equal(
        answer.headers['www-authenticate'],
        'Bearer realm="gate", error="invalid_token", error_description="The access token expired"',
      )
      t.same(answer.json, {
        error: 'invalid_token',
        error_description: 'The access token expired',
      })
    })

    t.test('A8.1, B6: a token that passed before expires', async (t) => {
      const exp = now() + 2
      const token = mint(key, { exp })
      t.equal((await gate.request('/exact', { token })).status, 200)
      // The event to wait for is the time itself.
      await pause(exp * 1000 - Date.now() + 20)
      const answer = await refused(t, '/exact', token)
      t.equal((await gate.request('/', { token })).status, 200, 'elsewhere there is a leeway')
      t.match(answer.json, { error_description: 'The access token expired' })
    })

    const good = mint(key)
    const [head, payload, signature] = good.split('.') as [string, string, string]
    const stranger = newKey('key-1')
    const bad: Record<string, string> = {
      'a forged signature': mint(stranger),
      'the payload swapped': swapPayload(good, { sub: '2' }),
      'another audience': mint(key, { aud: `${ISSUER}/mail` }),
      'no audience': mint(key, { aud: [] }),
      'a longer audience': mint(key, { aud: `${AUDIENCE}/more` }),
      'another issuer': mint(key, { iss: 'https://id.example.com.evil.example' }),
      'a refresh token': mint(key, {}, REFRESH_TOKEN_TYP),
      'an ID token': mint(key, {}, 'JWT'),
      'alg none': [
        Buffer.from(JSON.stringify({ ...goodHeader(key), alg: 'none' })).toString('base64url'),
        payload,
        '',
      ].join('.'),
      'alg none under a signature': handmade(key, { ...goodHeader(key), alg: 'none' }, claims()),
      'HS256 with the public key as secret': hmacWithPublicKey(key),
      'another alg than the key has': handmade(key, { ...goodHeader(key), alg: 'ES384' }, claims()),
      'the kid of another published key': handmade(
        key,
        { ...goodHeader(key), kid: other.kid },
        claims(),
      ),
      'no kid': handmade(key, { alg: 'ES256', typ: 'at+jwt' }, claims()),
      crit: handmade(key, { ...goodHeader(key), crit: ['exp'] }, claims()),
      b64: handmade(key, { ...goodHeader(key), b64: true }, claims()),
      'issued in the future': mint(key, { iat: now() + 60 }),
      'not valid before': mint(key, { nbf: now() + 60 }),
      'a life beyond the maximum': mint(key, { exp: now() + 4000 }),
      'no expiry': handmade(key, goodHeader(key), claims({ exp: undefined })),
      'an expiry in words': handmade(key, goodHeader(key), claims({ exp: 'never' })),
      'no session': handmade(key, goodHeader(key), claims({ sid: undefined })),
      'a line break in a claim': handmade(key, goodHeader(key), claims({ sub: '6\r\nX-Evil: 1' })),
      'a space in a role': handmade(key, goodHeader(key), claims({ roles: ['a admin'] })),
      'a payload that is a list': handmade(key, goodHeader(key), [claims()]),
      'a payload that is no JSON': handmade(key, goodHeader(key), 'nonsense'),
      'an empty signature': `${head}.${payload}.`,
      'a signature cut short': `${head}.${payload}.${signature.slice(0, -4)}`,
      'a longer signature': `${good}AAAA`,
      'two parts': `${head}.${payload}`,
      'five parts': `${good}.${payload}.${signature}`,
      padding: `${good}==`,
      'no token at all': 'x',
    }
    t.test('A8.1: everything else that is wrong: 401 invalid_token', async (t) => {
      t.equal((await gate.request('/', { token: good })).status, 200, 'the original is in the memo')
      for (const [what, token] of Object.entries(bad)) {
        const answer = await refused(t, '/', token)
        t.equal(answer.status, 401, what)
        t.equal(answer.headers['www-authenticate'], INVALID, what)
      }
      t.equal((await gate.request('/', { token: good })).status, 200, 'the original still passes')
    })

    t.test('A8.1: a broken Authorization header', async (t) => {
      for (const value of ['Bearer', 'Bearer ', 'Bearer a b', `Bearer ${good}, x`, 'Bearer ä']) {
        const answer = await gate.request('/', { headers: [['Authorization', value]] })
        t.equal(answer.status, 401, value)
      }
    })

    t.test('two Authorization headers: 400', async (t) => {
      const before = upstream.seen.length
      const answer = await gate.request('/', {
        headers: [
          ['Authorization', `Bearer ${good}`],
          ['Authorization', `Bearer ${good}`],
        ],
      })
      t.equal(answer.status, 400)
      t.equal(upstream.seen.length, before)
    })

    t.test('a missing scope: 403 that names what is needed', async (t) => {
      const token = mint(key, { scope: 'odoo.read' })
      t.equal((await gate.request('/', { token })).status, 200)
      const answer = await refused(t, '/write', token)
      t.equal(answer.status, 403)
      t.equal(
        answer.headers['www-authenticate'],
        'Bearer realm="drawbridge", error="insufficient_scope", ' +
          'error_description="The access token does not allow this", scope="odoo.read odoo.write"',
      )
      t.equal(answer.json.error, 'insufficient_scope')
    })

    t.test('A6: a verdict in the memo does not serve a stricter location', async (t) => {
      const token = mint(key)
      t.equal((await gate.request('/', { token })).status, 200)
      t.equal((await refused(t, '/mail', token)).status, 401)
      t.equal((await refused(t, '/short', token)).status, 401)
      t.equal((await gate.request('/', { token })).status, 200)
    })

    t.test('the access log gives the exact reason', async (t) => {
      await refused(t, '/logged', bad['a forged signature'])
      await t.resolves(gate.logged('/logged 401 bad_signature'))
    })
  })
}
