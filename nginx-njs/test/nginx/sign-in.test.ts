/** A page that was refused leads to the sign-in, where the operator asks for it. Flow B1. */
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startNeighbours, verdict } from '../support/servers.ts'
import { mint, newKey, now } from '../support/tokens.ts'

type Headers = [string, string][]

const COOKIE = 'token_cookie app_token;'
const SIGN_IN = `${COOKIE} sign_in /login?return=;`

const METADATA = 'https://gate.example/.well-known/oauth-protected-resource/both'

/** What a browser says when somebody opens a page. */
const PAGE: Headers = [
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
]

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    upstream.respond = (request, response) => {
      if (request.url === '/accel') response.setHeader('X-Accel-Redirect', '/inner?from=accel')
      response.end('the data')
    }
    const elsewhere = 'https://id.example.com/start?client=a&rd='
    const gate = await startGate(t, engine, {
      bridge,
      http: 'map $http_origin $drawbridge_cors_origin { default $http_origin; }',
      server: `
        location / { ${settings(SIGN_IN)} PROTECT ${pass} }
        location /scoped { ${settings(`${SIGN_IN} role nobody;`)} PROTECT ${pass} }
        location /young { ${settings(`${SIGN_IN} max_age 60; leeway 0;`)} PROTECT ${pass} }
        location /asked { ${settings(`${SIGN_IN} mode introspect;`)} PROTECT ${pass} }
        location /elsewhere { ${settings(`${COOKIE} sign_in ${elsewhere};`)} PROTECT ${pass} }
        location /same { ${settings(`${COOKIE} sign_in https://gate.example/same/in?rd=;`)} PROTECT ${pass} }
        location /both { ${settings(`${SIGN_IN} resource_metadata ${METADATA};`)} PROTECT ${pass} }
        location /without { ${settings(COOKIE)} PROTECT ${pass} }
        location /headers { ${settings()} PROTECT ${pass} }
        location /hopeless { ${settings('sign_in /login?return=;')} PROTECT ${pass} }
        location /cors {
          ${settings(SIGN_IN)} PROTECT
          include /mnt/conf/cors.conf;
          ${pass}
        }
        location /accel { ${settings()} PROTECT ${pass} }
        location /inner { internal; ${settings(SIGN_IN)} PROTECT ${pass} }
        location /stream {
          ${settings(`${SIGN_IN} watch 1;`)} PROTECT
          include /mnt/conf/stream.conf;
          ${pass}
        }
        include /mnt/conf/streams.conf;`,
    })
    const token = mint(key)
    noLeaks(t, gate, bridge.credential, token)
    const open = (path: string, more: Headers = [], method = 'GET', headers: Headers = PAGE) =>
      gate.request(path, { method, headers: [...headers, ...more] })
    const withToken = (value: string): Headers => [['Cookie', `app_token=${value}`]]
    const to = (path: string): string => `/login?return=${encodeURIComponent(path)}`

    t.test(
      'B1: a page without a token: to the sign-in, which learns what was wanted',
      async (t) => {
        for (const path of ['/', '/a/b', '/a?b=c&d=e%20f#', '/x?return=/y&return=/z', '/%C3%A9']) {
          const answer = await open(path)
          t.equal(answer.status, 303, path)
          t.equal(answer.headers.location, to(path), path)
          t.equal(answer.headers['cache-control'], 'no-store')
          t.equal(answer.headers.vary, 'Sec-Fetch-Mode, Sec-Fetch-Dest')
          t.notOk(answer.headers['www-authenticate'])
        }
        t.equal(
          (await open('/elsewhere')).headers.location,
          'https://id.example.com/start?client=a&rd=%2Felsewhere',
        )
        t.equal(upstream.seen.length, 0)
        await t.resolves(gate.logged('/a/b 303 no_token'))
      },
    )

    t.test('B6: a token that is over is as good as none', async (t) => {
      bridge.respondValidate = verdict({ status: 'Invalid' })
      const over: [string, string][] = [
        ['/', mint(key, { iat: now() - 600, exp: now() - 60 })],
        ['/young', mint(key, { iat: now() - 70 })],
        ['/asked', token],
      ]
      for (const [path, value] of over) {
        const answer = await open(path, withToken(value))
        t.equal(answer.status, 303, path)
        t.equal(answer.headers.location, to(path))
      }
      t.equal((await open('/', withToken(token))).status, 200)
    })

    t.test('what a new sign-in would not mend is said, not sent in a circle', async (t) => {
      const cases: [number, string, Headers][] = [
        [401, '/', withToken('x')],
        [401, '/', withToken(`${token}x`)],
        [401, '/', withToken(mint(newKey('key-1')))],
        [401, '/', withToken(mint(newKey('key-9')))],
        [401, '/', withToken(mint(key, { aud: 'x' }))],
        [401, '/', withToken(mint(key, { iss: 'https://evil.example' }))],
        [401, '/', withToken(mint(key, { iat: now() + 60, exp: now() + 600 }))],
        [401, '/', withToken(mint(key, {}, 'JWT'))],
        [401, '/', [...withToken(token), ...withToken(token)]],
        [403, '/scoped', withToken(token)],
        [400, '/', [['Drawbridge-Sub', '2']]],
        [500, '/hopeless', []],
      ]
      for (const [status, path, headers] of cases) {
        const answer = await open(path, headers)
        t.equal(answer.status, status, JSON.stringify(headers))
        t.notOk(answer.headers.location)
      }
      t.match(gate.errorLog(), '"sign_in" in $drawbridge needs "token_cookie"')
      bridge.respondValidate = (response) => response.writeHead(500).end()
      t.equal((await open('/asked', withToken(mint(key)))).status, 503)
    })

    t.test('who does not say that it is a page gets 401, with the challenge', async (t) => {
      const fetched = (mode: string, dest: string): Headers => [
        ['Sec-Fetch-Mode', mode],
        ['Sec-Fetch-Dest', dest],
      ]
      const cases: Headers[] = [
        [],
        [['Accept', 'text/html']],
        [['Sec-Fetch-Mode', 'navigate']],
        [['Sec-Fetch-Dest', 'document']],
        fetched('navigate', 'iframe'),
        fetched('navigate', 'object'),
        fetched('cors', 'empty'),
        fetched('no-cors', 'image'),
        fetched('websocket', 'empty'),
        fetched('Navigate', 'document'),
        fetched('navigate, cors', 'document'),
        [...PAGE, ['Sec-Fetch-Mode', 'navigate']],
        [...PAGE, ['Sec-Fetch-Mode', 'cors']],
        [['Sec-Fetch-Mode', 'cors'], ...PAGE],
        [...PAGE, ['Sec-Fetch-Dest', 'iframe']],
        [...PAGE, ['Sec-Purpose', 'prefetch']],
        [...PAGE, ['Sec-Purpose', 'prefetch;prerender']],
        [...PAGE, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']],
      ]
      for (const path of ['/', '/stream']) {
        for (const headers of cases) {
          const answer = await open(path, [], 'GET', headers)
          t.equal(answer.status, 401, JSON.stringify(headers))
          t.equal(answer.headers['www-authenticate'], 'Bearer realm="drawbridge"')
          t.notOk(answer.headers.location)
        }
        for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
          t.equal((await open(path, [], method)).status, 401, method)
        }
        t.equal((await open(path)).status, 303, path)
      }
    })

    t.test(
      'B1: of one location a person is sent to sign in, and a program finds the issuer',
      async (t) => {
        t.equal((await open('/both')).headers.location, to('/both'))
        const answer = await gate.request('/both')
        t.equal(answer.status, 401)
        t.equal(
          answer.headers['www-authenticate'],
          `Bearer realm="drawbridge", resource_metadata="${METADATA}"`,
        )
        t.match(JSON.parse(answer.body), { error: 'missing_token' })
      },
    )

    t.test('where nobody asked for it nobody is sent anywhere', async (t) => {
      for (const path of ['/without', '/headers']) t.equal((await open(path)).status, 401)
    })

    t.test('nothing of the request but path and query is in the address', async (t) => {
      const forged: Headers = [
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Proto', 'https'],
        ['Forwarded', 'host=evil.example'],
        ['Referer', 'https://evil.example/'],
      ]
      t.equal((await open('/', forged)).headers.location, to('/'))
      const host = await gate.request('/', { headers: [...PAGE], host: 'evil.example' })
      t.equal(host.headers.location, to('/'))
      for (const path of ['//evil.example', '///evil.example', '/\\evil.example', '/\\/evil']) {
        const answer = await open(path)
        t.equal(answer.status, 401, path)
        t.notOk(answer.headers.location, path)
      }
      const absolute = await open('http://gate.example//evil.example/')
      t.equal(absolute.status, 401)
      t.equal((await open('http://evil.example/a?b')).headers.location, to('/a?b'))
    })

    t.test('nothing in it breaks out of where it stands', async (t) => {
      const paths = [
        '/%0d%0aSet-Cookie:%20a=b',
        '/x%0D%0A%0D%0A<script>',
        '/x?a=%0d%0aLocation:%20https://evil.example',
        '/x&return=//evil.example',
        '/x?a#&return=//evil.example',
        '/x;y?"\'<>\\{}',
        '/%2f%2fevil.example',
        '/%5cevil.example',
        '/@evil.example',
      ]
      for (const path of paths) {
        const answer = await open(path)
        t.equal(answer.status, 303, path)
        const { location = '' } = answer.headers
        t.match(location, /^\/login\?return=[\w.~!*'()%-]+$/)
        const address = new URL(location, 'https://gate.example')
        t.equal(address.origin, 'https://gate.example')
        t.same([...address.searchParams], [['return', path]])
        t.notOk(answer.headers['set-cookie'])
      }
      for (const path of ['/\u00e9', '/x?\u00ff', '/\u00ed\u00a0\u0080']) {
        t.equal((await open(path)).status, 401, path)
      }
    })

    t.test('an address that is too long for the sign-in', async (t) => {
      const longest = `/${'a'.repeat(4096 - to('/').length)}`
      t.equal((await open(longest)).headers.location, to(longest))
      t.equal((await open(`${longest}a`)).status, 401)
      t.equal((await open(`/?${'%'.repeat(3000)}`)).status, 401)
    })

    t.test(
      'a sign-in page that asks for a token itself ends the circle, and is logged',
      async (t) => {
        t.notMatch(gate.errorLog(), 'the sign-in page asks for a token itself')
        for (const path of ['/login', '/login?return=%2F', '/same/in', '/same/in?rd=']) {
          const before = gate.errorLog().length
          t.equal((await open(path)).status, 401, path)
          t.match(gate.errorLog().slice(before), 'the sign-in page asks for a token itself')
        }
        t.equal((await open('/login/')).status, 303)
        t.equal((await open('/same')).status, 303)
      },
    )

    t.test('beside CORS, and behind another location', async (t) => {
      const answer = await open('/cors', [['Origin', 'https://app.example']])
      t.equal(answer.status, 303)
      t.match(answer.headers.vary, 'Sec-Fetch-Mode')
      t.match(answer.headers.vary, 'Origin')
      const inner = await gate.request('/accel', { token, headers: PAGE })
      t.equal(inner.status, 303)
      t.equal(inner.headers.location, to('/accel'))
    })
  })
}
