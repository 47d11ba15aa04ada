/** What a location is, whatever led to it: settings, redirects, headers, cookies. Flow A5–A7. */
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import t from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, startUpstream } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, newKey, now } from '../support/tokens.ts'

const settings = (more = ''): string => `set $drawbridge "audience ${AUDIENCE}; scope *; ${more}";`
const SETTINGS = settings()
/** An issuer where nothing listens. */
const DOWN = 'https://down.example'
const WEAK = `
  set $drawbridge "audience ${ISSUER}/mail; scope *; max_lifetime 3000;";
  PROTECT`
const STRICT = `
  set $drawbridge "audience ${AUDIENCE}; scope odoo.read; max_lifetime 700;";
  PROTECT`

for (const engine of ENGINES) {
  t.test(`${engine.name}: settings`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    const pass = `proxy_pass ${upstream.url};`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location / { ${SETTINGS} PROTECT ${pass} }
        location /no-audience { set $drawbridge "scope *;"; PROTECT ${pass} }
        location /no-scope { set $drawbridge "audience ${AUDIENCE};"; PROTECT ${pass} }
        location /leeway { ${settings('leeway 5s;')} PROTECT ${pass} }
        location /lifetime { ${settings('max_lifetime -1;')} PROTECT ${pass} }
        location /realm { ${settings('realm a\\", error=\\"none;')} PROTECT ${pass} }
        location /mode { ${settings('mode off;')} PROTECT ${pass} }
        location /issuer { ${settings('issuer https://other.example;')} PROTECT ${pass} }
        location /typo { ${settings('roles sales;')} PROTECT ${pass} }
        location /twice { ${settings('scope odoo.read;')} PROTECT ${pass} }
        location /unended { set $drawbridge "audience ${AUDIENCE}; scope *"; PROTECT ${pass} }
        location /no-issuers { set $drawbridge_issuers ""; ${SETTINGS} PROTECT ${pass} }
        location /too-late { PROTECT ${SETTINGS} ${pass} }
        location ~ (?s)^/inject(?<tail>.*)$ { set $drawbridge "scope odoo.read; audience ${AUDIENCE}$tail;"; PROTECT ${pass} }
        location /outer { ${SETTINGS} PROTECT ${pass} location /outer/inner { ${pass} } }
        location /skipped { rewrite ^ /elsewhere break; ${SETTINGS} PROTECT ${pass} }
        location /weak-to-skipped { ${WEAK} try_files /nothing /skipped; }
      `,
    })
    const token = mint(key)
    const closed: [string, string][] = [
      ['/no-audience', '"audience" is not set'],
      ['/no-scope', '"scope" is not set'],
      ['/leeway', '"leeway" in $drawbridge is malformed'],
      ['/lifetime', '"max_lifetime" in $drawbridge is malformed'],
      ['/realm', '"realm" in $drawbridge is malformed'],
      ['/mode', '"mode" in $drawbridge is malformed'],
      ['/issuer', '"issuer https://other.example" is not in $drawbridge_issuers'],
      ['/typo', '"roles" is not known in $drawbridge'],
      ['/twice', '"scope" comes twice in $drawbridge'],
      ['/unended', 'a statement does not end with ";"'],
      ['/no-issuers', '$drawbridge_issuers is not set'],
      ['/too-late', '"audience" is not set'],
      ['/inject;scope%20*', '"scope" comes twice in $drawbridge'],
      ['/outer/inner', 'lacks the protect snippet'],
      ['/skipped', 'lacks the protect snippet'],
    ]
    for (const [path, problem] of closed) {
      t.test(`A6: ${path} is closed, and the log says why`, async (t) => {
        const before = gate.errorLog().length
        for (const options of [{ token }, {}]) {
          const answer = await gate.request(path, options)
          t.equal(answer.status, 500)
          t.equal(answer.headers['content-type'], 'application/json')
          t.match(JSON.parse(answer.body), { error: 'server_error' })
        }
        t.match(gate.errorLog().slice(before), `drawbridge: `)
        t.match(gate.errorLog().slice(before), problem)
        t.match(gate.errorLog().slice(before), 'the location is closed')
        await t.resolves(gate.logged('500 misconfigured'))
        t.equal(upstream.seen.length, 0)
      })
    }

    t.test('A6: a skipped snippet does not inherit from the location before', async (t) => {
      const mail = mint(key, { aud: `${ISSUER}/mail` })
      t.equal((await gate.request('/weak-to-skipped', { token: mail })).status, 500)
      t.equal(upstream.seen.length, 0)
    })

    t.test('A7.1: the others are open', async (t) => {
      t.equal((await gate.request('/', { token })).status, 200)
      t.equal((await gate.request('/outer', { token })).status, 200)
      t.equal((await gate.request('/inject', { token })).status, 200)
    })
  })

  t.test(`${engine.name}: one location leads to another`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    upstream.respond = (request, response) => {
      if (request.url?.startsWith('/accel') === true) {
        response.setHeader('X-Accel-Redirect', '/strict')
      }
      if (request.url?.startsWith('/missing') === true) response.statusCode = 404
      response.end(`from ${request.url ?? ''}`)
    }
    const pass = `proxy_pass ${upstream.url};`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location /strict { ${STRICT} ${pass} }
        location @strict { ${STRICT} ${pass} }
        location /forgetful { set $drawbridge "scope *;"; PROTECT ${pass} }
        location /lax { ${SETTINGS} PROTECT ${pass} }
        location /try { ${WEAK} try_files /nothing /strict; }
        location /try-named { ${WEAK} try_files /nothing @strict; }
        location /try-forgetful { ${WEAK} try_files /nothing /forgetful; }
        location /try-lax { ${STRICT} try_files /nothing /lax; }
        location /strict-first { ${STRICT} try_files /nothing /lax; }
        location /accel { ${WEAK} ${pass} }
        location /missing { ${WEAK} proxy_intercept_errors on; error_page 404 /strict; ${pass} }
        location /public { try_files /nothing /strict; }
        location /public-missing { error_page 404 = @strict; return 404; }
      `,
    })
    const mail = mint(key, { aud: `${ISSUER}/mail` })
    const long = mint(key, { aud: [`${ISSUER}/mail`, AUDIENCE], exp: now() + 1000 })
    const both = mint(key, { aud: [`${ISSUER}/mail`, AUDIENCE] })

    const ways = ['/try', '/try-named', '/accel', '/missing', '/public', '/public-missing']
    for (const path of ways) {
      t.test(`A6: ${path} leads to the strict location, which asks again`, async (t) => {
        for (const token of [mail, long]) {
          const before = upstream.seen.length
          const answer = await gate.request(path, { token })
          // `error_page 404 /strict` keeps its 404 whatever /strict answers; so nginx has it.
          t.equal(answer.status, path === '/missing' && engine.root === 'stack' ? 404 : 401)
          t.match(answer.headers['www-authenticate'], /^Bearer [^,]+, error="invalid_token"/)
          t.notMatch(answer.body, 'from /strict')
          t.notOk(upstream.seen.slice(before).some((seen) => seen.url.startsWith('/strict')))
        }
        const answer = await gate.request(path, { token: both })
        t.equal(answer.status, path === '/missing' ? 404 : 200)
        t.match(answer.body, 'from ')
      })
    }

    t.test('A6: a setting that is missing is not taken from the location before', async (t) => {
      t.equal((await gate.request('/try-forgetful', { token: mail })).status, 500)
      t.match(gate.errorLog(), '"audience" is not set')
    })

    t.test('A6: from a strict location to a lax one both ask', async (t) => {
      t.equal((await gate.request('/try-lax', { token: both })).status, 200)
      const unscoped = mint(key, { scope: '' })
      t.equal((await gate.request('/lax', { token: unscoped })).status, 200)
      t.equal((await gate.request('/try-lax', { token: unscoped })).status, 403)
    })
  })

  t.test(`${engine.name}: headers`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    const pass = `proxy_pass ${upstream.url};`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        underscores_in_headers on;
        location / { ${SETTINGS} PROTECT ${pass} }
        location /own {
          ${SETTINGS} PROTECT
          proxy_set_header X-Own 1;
          ${pass}
        }
        location /bridge { ${SETTINGS} set $drawbridge_upstream bridge; PROTECT ${pass} }
        location /cookieless { ${SETTINGS} set $drawbridge_upstream cookieless; PROTECT ${pass} }
        location /to-app { ${SETTINGS} set $drawbridge_upstream odoo; PROTECT try_files /nothing /own; }
        location /odoo {
          ${SETTINGS} set $drawbridge_upstream odoo; PROTECT
          include /mnt/conf/forwarded.conf;
          ${pass}
        }
      `,
    })
    const token = mint(key)

    t.test('A5: a request that brings a header of the gate: 400', async (t) => {
      for (const name of Object.values(GATE_HEADERS)) {
        const spellings = [
          name,
          name.toLowerCase(),
          name.toUpperCase(),
          name.replaceAll('-', '_'),
          name.replaceAll('-', '_').toUpperCase(),
          name.replace('-', '_'),
        ]
        for (const spelling of spellings) {
          for (const path of ['/', '/own']) {
            const answer = await gate.request(path, { token, headers: [[spelling, '2']] })
            t.equal(answer.status, 400, `${path} ${spelling}`)
          }
        }
      }
      t.equal(upstream.seen.length, 0)
      const answer = await gate.request('/', { token, headers: [['Drawbridge_Sub', '2']] })
      t.match(JSON.parse(answer.body), { error: 'invalid_request' })
      await t.resolves(gate.logged('/ 400 identity_header'))
    })

    t.test('A7.1: other headers pass', async (t) => {
      const headers: [string, string][] = [
        ['X-Drawbridge-Sub', '2'],
        ['Drawbridge-Subject', '2'],
      ]
      t.equal((await gate.request('/', { token, headers })).status, 200)
    })

    t.test('A7.1: the refresh cookie stays at the gate, other cookies pass', async (t) => {
      const sent = async (...cookies: string[]) => {
        const headers = cookies.map((cookie): [string, string] => ['Cookie', cookie])
        await gate.request('/', { token, headers })
        return upstream.seen.at(-1)?.headers.cookie
      }
      t.equal(await sent('a=1; b=2'), 'a=1; b=2')
      t.equal(await sent('a=1; __Host-drawbridge_refresh=x.y.z; b=2'), 'a=1; b=2')
      t.equal(await sent('drawbridge_refresh=x; a=1;drawbridge_refresh=y'), 'a=1')
      t.equal(await sent('a=1', 'drawbridge_refresh=x'), 'a=1')
      t.equal(await sent('drawbridge_refresh=x'), undefined)
      t.equal(await sent(), undefined)
    })

    t.test('A7.1: the bridge also gets the gate credential', async (t) => {
      const cookie: [string, string] = ['Cookie', 'drawbridge_refresh=x; a=1']
      await gate.request('/bridge', { token, headers: [cookie] })
      const headers = upstream.seen.at(-1)?.headers
      t.match(headers, { 'drawbridge-sub': '6', 'drawbridge-gate-credential': 'gate-secret' })
      t.notOk(headers?.authorization)
      t.equal(headers?.cookie, 'a=1')
    })

    t.test('A7.1: Odoo gets the token, and no cookie', async (t) => {
      const headers: [string, string][] = [
        ['Cookie', 'session_id=x; a=1'],
        ['X-Forwarded-For', '10.0.0.1'],
        ['X-Forwarded-Host', 'evil.example'],
      ]
      await gate.request('/odoo', { token, headers })
      const seen = upstream.seen.at(-1)?.headers
      t.equal(seen?.authorization, `Bearer ${token}`)
      t.notOk(seen?.cookie)
      t.notOk(seen?.['drawbridge-gate-credential'])
      t.match(seen, { host: 'gate.example', 'x-forwarded-host': 'gate.example' })
      t.notMatch(seen?.['x-forwarded-for'], '10.0.0.1')
    })

    t.test('A7.1: bodies and methods pass; a refused HEAD has no body', async (t) => {
      const bodies: string[] = []
      upstream.respond = (request, response) => {
        request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk))
        request.on('end', () => response.end())
      }
      const body = 'x'.repeat(100_000)
      const length: [string, string] = ['Content-Length', String(body.length)]
      const options = { method: 'POST', body, headers: [length] }
      t.equal((await gate.request('/', { ...options, token })).status, 200)
      t.equal(bodies.join(''), body)
      t.equal((await gate.request('/', options)).status, 401)
      const head = await gate.request('/', { method: 'HEAD' })
      t.equal(head.status, 401)
      t.equal(head.body, '')
      t.ok(head.headers['www-authenticate'])
    })
  })

  t.test(`${engine.name}: what is asked for beside the scope`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    const pass = `proxy_pass ${upstream.url};`
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
      const stands = `resource_metadata="${metadata}"`
      for (const answer of [await gate.request('/metadata'), await ask('/metadata')]) {
        t.match(answer.headers['www-authenticate'], stands)
      }
      t.equal((await ask('/metadata')).status, 403)
      const headers: [string, string][] = [['Drawbridge-Sub', '2']]
      const answer = await gate.request('/metadata', { token: mint(key), headers })
      t.equal(answer.status, 400)
      t.notOk(answer.headers['www-authenticate'])
    })
  })

  t.test(`${engine.name}: what a request says of itself`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    const pass = `proxy_pass ${upstream.url};`
    const gate = await startGate(t, engine, {
      bridge,
      http: `log_format who '$uri $status $drawbridge_status:$drawbridge_sub:$drawbridge_sid:$drawbridge_iss';`,
      server: `
        access_log /mnt/work/access.log who;
        location / { ${SETTINGS} PROTECT ${pass} }
        location /own { ${SETTINGS} PROTECT proxy_set_header X-Own 1; ${pass} }
        location /forwarded { ${SETTINGS} PROTECT include /mnt/conf/forwarded.conf; ${pass} }
        location /before { ${SETTINGS} PROTECT return 410; }`,
    })
    noLeaks(t, gate, bridge.credential)
    const token = mint(key, { roles: [] })

    t.test('A5: a header that tries to speak for the module', async (t) => {
      const verdicts = ['valid', 'valid\t6', '?', 'valid:2', '$drawbridge_sub', 'expired']
      for (const name of Object.values(GATE_HEADERS)) {
        for (const value of verdicts) {
          for (const options of [{ token }, {}]) {
            const answer = await gate.request('/', { ...options, headers: [[name, value]] })
            t.equal(answer.status, 400, `${name}: ${value}`)
          }
        }
      }
      t.equal(upstream.seen.length, 0)
      await t.resolves(gate.logged('/ 400 identity_header:::\n'))
      // Where nginx answers before the module has its say.
      for (const [name, value] of [
        ['Drawbridge-Iss', 'valid'],
        ['Drawbridge-Iss', 'expired'],
      ] as const) {
        t.equal((await gate.request('/before', { headers: [[name, value]] })).status, 410)
      }
      await t.resolves(gate.logged('/before 410 :::\n/before 410 :::\n'))
      t.notMatch(gate.file('access.log'), /^(?!\/ 400 identity_header:::$)\/ 400 .*$/m)
      t.equal((await gate.request('/', { token })).status, 200)
      await t.resolves(gate.logged(`/ 200 valid:6:session-1:${ISSUER}\n`))
    })

    t.test('A5: a header without a value goes no further', async (t) => {
      for (const path of ['/', '/own', '/forwarded']) {
        for (const name of Object.values(GATE_HEADERS)) {
          const answer = await gate.request(path, { token, headers: [[name, '']] })
          t.equal(answer.status, 200, `${path} ${name}`)
          const sent = upstream.seen.at(-1)?.headers ?? {}
          t.match(sent, { 'drawbridge-sub': '6', 'drawbridge-sid': 'session-1' })
          t.notOk('drawbridge-roles' in sent, 'the user has none')
          t.notOk('drawbridge-gate-credential' in sent)
        }
        const twice: [string, string][] = [
          ['Drawbridge-Roles', ''],
          ['Drawbridge-Roles', ''],
        ]
        const answer = await gate.request(path, { token, headers: twice })
        if (answer.status === 200)
          t.notOk('drawbridge-roles' in (upstream.seen.at(-1)?.headers ?? {}))
        else t.equal(answer.status, 400)
      }
    })
  })

  t.test(`${engine.name}: what an upstream is told ends with it`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    upstream.respond = (request, response) => {
      const [, what, to] = /^\/(accel|missing)-\w+-(\w+)$/.exec(request.url ?? '') ?? []
      if (what === 'accel') response.setHeader('X-Accel-Redirect', `/${to ?? ''}`)
      if (what === 'missing') response.statusCode = 404
      response.end('the data')
    }
    const told = (who: string) => `set $drawbridge_upstream ${who};`
    const kinds = { app: '', odoo: told('odoo'), bridge: told('bridge'), mute: told('cookieless') }
    const location = (path: string, kind: string, more: string) =>
      `location ${path} { ${SETTINGS} ${kind} PROTECT ${more} }`
    const pass = `proxy_pass ${upstream.url};`
    const ways = Object.entries(kinds).flatMap(([from, kind]) =>
      Object.keys(kinds).flatMap((to) => [
        location(`/accel-${from}-${to}`, kind, pass),
        location(
          `/missing-${from}-${to}`,
          kind,
          `proxy_intercept_errors on; error_page 404 = /${to}; ${pass}`,
        ),
        location(`/try-${from}-${to}`, kind, `try_files /nothing /${to};`),
        location(`/named-${from}-${to}`, kind, `try_files /nothing @${to};`),
      ]),
    )
    const ends = Object.entries(kinds).flatMap(([name, kind]) => [
      location(`= /${name}`, kind, pass),
      location(`@${name}`, kind, pass),
    ])
    const gate = await startGate(t, engine, { bridge, server: [...ways, ...ends].join('\n') })
    noLeaks(t, gate, bridge.credential, 'session_id=1')
    const token = mint(key)
    for (const way of ['accel', 'missing', 'try', 'named']) {
      for (const from of Object.keys(kinds)) {
        for (const to of Object.keys(kinds)) {
          const path = `/${way}-${from}-${to}`
          const headers: [string, string][] = [['Cookie', 'session_id=1; drawbridge_refresh=x']]
          t.equal((await gate.request(path, { token, headers })).status, 200, path)
          const seen = upstream.seen.at(-1)
          t.equal(seen?.url, way === 'named' ? path : `/${to}`)
          const { authorization, cookie } = seen?.headers ?? {}
          t.equal(authorization, to === 'odoo' ? `Bearer ${token}` : undefined, path)
          const bare = to === 'odoo' || to === 'mute'
          t.equal(cookie, bare ? undefined : 'session_id=1', path)
          const credential = seen?.headers['drawbridge-gate-credential']
          t.equal(credential, to === 'bridge' ? bridge.credential : undefined, path)
        }
      }
    }
  })

  t.test(`${engine.name}: pages of other origins`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    upstream.respond = (_request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*')
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      response.end('the data')
    }
    const app = 'https://app.example.com'
    const gate = await startGate(t, engine, {
      bridge,
      http: `map $http_origin $drawbridge_cors_origin { default ""; ${app} $http_origin; }`,
      server: `
        location / {
          ${SETTINGS} PROTECT
          include /mnt/conf/cors.conf;
          proxy_pass ${upstream.url};
        }
        location /same-origin { ${SETTINGS} PROTECT proxy_pass ${upstream.url}; }
      `,
    })
    const token = mint(key)
    const origin = (value: string): [string, string] => ['Origin', value]
    const preflight: [string, string] = ['Access-Control-Request-Method', 'PATCH']

    t.test('B1: a preflight is answered without a token', async (t) => {
      const options = { method: 'OPTIONS', headers: [origin(app), preflight] }
      const answer = await gate.request('/', options)
      t.equal(answer.status, 204)
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.match(answer.headers['access-control-allow-methods'], 'PATCH')
      t.match(answer.headers['access-control-allow-headers'], 'Authorization')
      t.equal(answer.headers.vary, 'Origin')
      t.notOk(answer.headers['access-control-allow-credentials'])
      t.equal((await gate.request('/same-origin', options)).status, 401)
    })

    t.test('B1: what is no preflight, or of another origin, needs a token', async (t) => {
      const evil = origin('https://app.example.com.evil.example')
      for (const headers of [[evil, preflight], [preflight], [origin(app)], []]) {
        t.equal((await gate.request('/', { method: 'OPTIONS', headers })).status, 401)
      }
      const answer = await gate.request('/', { headers: [evil] })
      t.notOk(answer.headers['access-control-allow-origin'])
    })

    t.test('B1, B6: a page can read the 401 and its challenge', async (t) => {
      const answer = await gate.request('/', { headers: [origin(app)] })
      t.equal(answer.status, 401)
      t.ok(answer.headers['www-authenticate'])
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.equal(answer.headers['access-control-expose-headers'], 'WWW-Authenticate')
      t.equal(answer.headers.vary, 'Origin')
    })

    t.test('B4: a page can read the data; the gate alone answers for CORS', async (t) => {
      const answer = await gate.request('/', { token, headers: [origin(app)] })
      t.equal(answer.status, 200)
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.notOk(answer.headers['access-control-allow-credentials'])
      const same = await gate.request('/', { token })
      t.equal(same.status, 200)
      t.notOk(same.headers['access-control-allow-origin'])
      t.equal(same.headers.vary, 'Origin')
    })
  })

  if (engine.root === 'stable') {
    t.test(`${engine.name}: a server without authorize.conf is closed`, async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const upstream = await startUpstream(t)
      const gate = await startGate(t, engine, {
        bridge,
        http: `
          server {
            listen unix:/mnt/work/second.sock;
            location / { return 200; }
            location /protected { ${SETTINGS} PROTECT proxy_pass ${upstream.url}; }
          }`,
        server: '',
      })
      const answer = await gate.request('/protected', { socket: 'second.sock', token: mint(key) })
      t.equal(answer.status, 500)
      t.equal(upstream.seen.length, 0)
    })

    t.test(`${engine.name}: the locations behind auth_request are not to be had`, async (t) => {
      const bridge = await startBridge(t, [])
      const gate = await startGate(t, engine, { bridge, server: '' })
      t.equal((await gate.request('/_drawbridge_authorize')).status, 404)
    })

    t.test(`${engine.name}: an upstream's own 401 under proxy_intercept_errors`, async (t) => {
      const key = newKey('key-1')
      const bridge = await startBridge(t, [key.publicJwk])
      const upstream = await startUpstream(t)
      upstream.respond = (_request, response) => response.writeHead(401).end('secret details')
      const gate = await startGate(t, engine, {
        bridge,
        server: `location / {
          ${SETTINGS} PROTECT
          proxy_intercept_errors on;
          proxy_pass ${upstream.url};
        }`,
      })
      const answer = await gate.request('/', { token: mint(key) })
      t.equal(answer.status, 401)
      t.notMatch(answer.body, 'secret details')
    })
  }
}
