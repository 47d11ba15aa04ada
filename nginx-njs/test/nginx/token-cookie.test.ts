/** The token in a cookie: for pages, whose images and WebSockets have no other way to bring one. */
import t from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, startUpstream } from '../support/servers.ts'
import { AUDIENCE, mint, newKey, now } from '../support/tokens.ts'

type Headers = [string, string][]

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    upstream.respond = (request, response) => {
      const to = /^\/to(-\w+)/.exec(request.url ?? '')
      if (to !== null) response.setHeader('X-Accel-Redirect', `/at${to[1] as string}`)
      response.end('the data')
    }
    const COOKIE = `set $drawbridge "audience ${AUDIENCE}; scope *; token_cookie app_token;"; PROTECT`
    const HEADER = `set $drawbridge "audience ${AUDIENCE}; scope *;"; PROTECT`
    const ODOO = 'set $drawbridge_upstream odoo;'
    const pass = `proxy_pass ${upstream.url};`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location / { ${COOKIE} ${pass} }
        location /odoo { ${ODOO} ${COOKIE} ${pass} }
        location /to-header { ${COOKIE} ${pass} }
        location /at-header { ${HEADER} ${pass} }
        location /to-cookie { ${HEADER} ${pass} }
        location /at-cookie { ${COOKIE} ${pass} }
        location /to-odoo { ${COOKIE} ${pass} }
        location /at-odoo { ${ODOO} ${HEADER} ${pass} }`,
    })
    const token = mint(key)
    const stranger = mint(newKey('key-1'))
    noLeaks(t, gate, bridge.credential, token, 'app_token')
    const cookie = (...values: string[]): Headers =>
      values.map((value) => ['Cookie', value] as [string, string])
    const mine = cookie(`app_token=${token}`)
    const ask = (headers: Headers, method = 'GET', path = '/') =>
      gate.request(path, { headers, method })
    const statusOf = async (headers: Headers, method = 'GET', path = '/') =>
      (await ask(headers, method, path)).status

    t.test('the cookie of that name, and nothing else', async (t) => {
      t.equal(await statusOf(mine), 200)
      t.match(upstream.seen.at(-1)?.headers, { 'drawbridge-sub': '6' })
      t.equal(await statusOf(cookie(`a=1; app_token=${token}; b=2`)), 200)
      t.equal(await statusOf(cookie('a=1', `app_token=${token}`)), 200)
      const refused: Record<string, Headers> = {
        nothing: [],
        'the header instead': [['Authorization', `Bearer ${token}`]],
        'a forged one beside a good header': [
          ...cookie(`app_token=${stranger}`),
          ['Authorization', `Bearer ${token}`],
        ],
        'an expired one': cookie(`app_token=${mint(key, { exp: now() - 60, iat: now() - 600 })}`),
        'another name': cookie(`app_tokens=${token}`),
        'another case': cookie(`App_Token=${token}`),
        'a name that ends like it': cookie(`__Host-app_token=${token}`),
        'an empty one': cookie('app_token='),
        'no value': cookie('app_token'),
        'the scheme with it': cookie(`app_token=Bearer ${token}`),
        'two of them': cookie(`app_token=${token}; app_token=${token}`),
        'two, the first forged': cookie(`app_token=${stranger}; app_token=${token}`),
        'two headers': cookie(`app_token=${token}`, `app_token=${stranger}`),
        'two, one of them empty': cookie(`app_token=; app_token=${token}`),
      }
      const before = upstream.seen.length
      for (const [what, headers] of Object.entries(refused)) {
        const answer = await ask(headers)
        t.equal(answer.status, 401, what)
        t.match(answer.headers['www-authenticate'], /^Bearer realm=/, what)
      }
      t.equal(upstream.seen.length, before)
    })

    t.test('elsewhere the cookie is no token', async (t) => {
      t.equal(await statusOf(mine, 'GET', '/at-header'), 401)
    })

    t.test('another site may make the browser read, and nothing more', async (t) => {
      const cases: [number, Headers][] = [
        [200, []],
        [200, [['Sec-Fetch-Site', 'same-origin']]],
        [200, [['Origin', 'http://gate.example']]],
        [
          200,
          [
            ['Sec-Fetch-Site', 'same-origin'],
            ['Origin', 'http://gate.example'],
          ],
        ],
        [403, [['Sec-Fetch-Site', 'cross-site']]],
        [403, [['Sec-Fetch-Site', 'same-site']]],
        [403, [['Sec-Fetch-Site', 'none']]],
        [403, [['Origin', 'https://evil.example']]],
        [403, [['Origin', 'https://gate.example']]],
        [403, [['Origin', 'http://gate.example.evil.example']]],
        [403, [['Origin', 'http://sub.gate.example']]],
        [403, [['Origin', 'null']]],
        [
          403,
          [
            ['Sec-Fetch-Site', 'cross-site'],
            ['Origin', 'http://gate.example'],
          ],
        ],
      ]
      for (const [status, headers] of cases) {
        const what = JSON.stringify(headers)
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
          t.equal(await statusOf([...mine, ...headers], method), status, `${method} ${what}`)
        }
        t.equal(await statusOf([...mine, ...headers]), 200, what)
        t.equal(await statusOf([...mine, ...headers], 'HEAD'), 200, what)
        // A browser sends Origin with every WebSocket, and a page may read what comes.
        const upgrade: Headers = [
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
        ]
        t.equal(await statusOf([...mine, ...headers, ...upgrade]), status, `WebSocket ${what}`)
      }
      const answer = await ask([...mine, ['Origin', 'https://evil.example']], 'POST')
      t.match(JSON.parse(answer.body), { error: 'access_denied' })
      t.notOk(answer.headers['www-authenticate'])
      await t.resolves(gate.logged('/ 403 cross_site'))
    })

    t.test('the upstream gets the other cookies', async (t) => {
      const sent = async (...values: string[]) => {
        t.equal(await statusOf(cookie(...values)), 200)
        return upstream.seen.at(-1)?.headers.cookie
      }
      const own = `app_token=${token}`
      t.equal(await sent(own), undefined)
      t.equal(await sent(`a=1; ${own}; b=2`), 'a=1; b=2')
      t.equal(await sent('a=1', own, 'b=2'), 'a=1; b=2')
      t.equal(await sent(`App_Token=x; ${own}; a=1`), 'a=1')
      t.equal(await sent(`drawbridge_refresh=x; ${own}; a=1; __Host-drawbridge_refresh=y`), 'a=1')
      t.notOk(upstream.seen.some(({ headers }) => headers.authorization !== undefined))
    })

    t.test('a header that nobody checked goes nowhere, not even to Odoo', async (t) => {
      const headers: Headers = [...mine, ['Authorization', `Bearer ${stranger}`]]
      for (const path of ['/', '/odoo']) {
        t.equal(await statusOf(headers, 'GET', path), 200)
        t.notOk(upstream.seen.at(-1)?.headers.authorization, path)
      }
    })

    t.test('a location that leads to another one lends it no token', async (t) => {
      const both: Headers = [...mine, ['Authorization', `Bearer ${token}`]]
      t.equal(await statusOf(mine, 'GET', '/to-header'), 401)
      t.equal(upstream.seen.at(-1)?.url, '/to-header')
      t.equal(await statusOf(both, 'GET', '/to-header'), 200)
      t.equal(upstream.seen.at(-1)?.url, '/at-header')
      t.notOk(upstream.seen.at(-1)?.headers.cookie)
      const header: Headers = [['Authorization', `Bearer ${token}`]]
      t.equal(await statusOf(header, 'GET', '/to-cookie'), 401)
      t.equal(await statusOf(both, 'GET', '/to-cookie'), 200)
      t.notOk(upstream.seen.at(-1)?.headers.cookie)
      t.equal(await statusOf(mine, 'GET', '/to-odoo'), 401)
    })
  })
}
