/** What comes in with a request, and what of it goes to which upstream. Flow A5, A7.1. */
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startNeighbours } from '../support/servers.ts'
import { ISSUER, mint } from '../support/tokens.ts'

const SETTINGS = settings()

for (const engine of ENGINES) {
  t.test(`${engine.name}: headers`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
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

  t.test(`${engine.name}: what a request says of itself`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
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
    const { key, bridge, upstream, pass } = await startNeighbours(t)
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
}
