/** What a location is, whatever led to it: its settings are its own. Flow A6, A7. */
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { startBridge, startNeighbours } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, now } from '../support/tokens.ts'

const SETTINGS = settings()
const WEAK = `
  set $drawbridge "audience ${ISSUER}/mail; scope *; max_lifetime 3000;";
  PROTECT`
const STRICT = `
  set $drawbridge "audience ${AUDIENCE}; scope odoo.read; max_lifetime 700;";
  PROTECT`

for (const engine of ENGINES) {
  t.test(`${engine.name}: settings`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
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
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    upstream.respond = (request, response) => {
      if (request.url?.startsWith('/accel') === true) {
        response.setHeader('X-Accel-Redirect', '/strict')
      }
      if (request.url?.startsWith('/missing') === true) response.statusCode = 404
      response.end(`from ${request.url ?? ''}`)
    }
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

  if (engine.root === 'stable') {
    t.test(`${engine.name}: a server without authorize.conf is closed`, async (t) => {
      const { key, bridge, upstream, pass } = await startNeighbours(t)
      const gate = await startGate(t, engine, {
        bridge,
        http: `
          server {
            listen unix:/mnt/work/second.sock;
            location / { return 200; }
            location /protected { ${SETTINGS} PROTECT ${pass} }
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
      const { key, bridge, upstream, pass } = await startNeighbours(t)
      upstream.respond = (_request, response) => response.writeHead(401).end('secret details')
      const gate = await startGate(t, engine, {
        bridge,
        server: `location / {
          ${SETTINGS} PROTECT
          proxy_intercept_errors on;
          ${pass}
        }`,
      })
      const answer = await gate.request('/', { token: mint(key) })
      t.equal(answer.status, 401)
      t.notMatch(answer.body, 'secret details')
    })
  }
}
