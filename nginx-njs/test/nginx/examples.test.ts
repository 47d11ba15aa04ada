/** The examples that operators start from: they are valid, and do what they say. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import t, { type Test } from 'tap'
import { inRoot } from '../../../e2e/stack/roots.ts'
import { buildModule } from '../../build.ts'
import { type Engine, ENGINES, type Gate, startGate } from '../support/gate.ts'
import { nginxBlock } from '../support/page.ts'
import {
  CREDENTIAL,
  startBridge,
  startUpstream,
  type TestBridge,
  type Upstream,
  verdict,
} from '../support/servers.ts'
import { claims, ISSUER, mint, newKey, type TestKey } from '../support/tokens.ts'

const CONF = join(import.meta.dirname, '../../conf')
const [CURRENT, OLD] = ENGINES as [Engine, Engine]

const readExample = (name: string): string => readFileSync(join(CONF, name), 'utf8')

/** An example as it would be on this machine. */
const adapt = (example: string, changes: Record<string, string> = {}): string =>
  Object.entries({
    ...changes,
    'include /etc/nginx/drawbridge/credential.conf;': `js_var $drawbridge_gate_credential ${CREDENTIAL};`,
    '/etc/nginx/drawbridge/drawbridge.js': '/mnt/work/drawbridge.js',
    '/etc/nginx/drawbridge/': '/mnt/conf/',
    '/var/lib/nginx/drawbridge/': '/mnt/work/',
    '/var/log/nginx/': '/mnt/work/',
    '/run/': '/mnt/work/',
    '/srv/www': '/mnt/work/www',
    'listen 127.0.0.1:8000': 'listen unix:/mnt/work/nginx.sock',
  }).reduce((text, [from, to]) => text.replaceAll(from, to), example)

const engineOf = (name: string): Engine => (name === 'example-auth-request.conf' ? OLD : CURRENT)

for (const name of readdirSync(CONF).filter((file) => file.startsWith('example'))) {
  t.test(`${name} passes nginx -t, without a warning`, async (t) => {
    const work = mkdtempSync(join(tmpdir(), 'drawbridge-example-'))
    t.teardown(() => {
      rmSync(work, { recursive: true })
    })
    chmodSync(work, 0o777)
    await buildModule(join(work, 'drawbridge.js'))
    writeFileSync(join(work, 'nginx.conf'), adapt(readExample(name)))
    const [command, ...args] = inRoot(
      engineOf(name).root,
      ['nginx', '-t', '-c', '/mnt/work/nginx.conf', '-e', 'stderr'],
      { binds: { '/mnt/work': work }, readOnlyBinds: { '/mnt/conf': CONF } },
    )
    const result = spawnSync(command as string, args, { encoding: 'utf8' })
    t.equal(result.status, 0, result.stderr)
    t.match(result.stderr, 'test is successful')
    t.notMatch(result.stderr, /\[(?:warn|error)/)
  })
}

interface Scene {
  gate: Gate
  bridge: TestBridge
  upstream: Upstream
  key: TestKey
}

/** Starts an example, with a bridge, an upstream and their addresses in it. */
async function play(
  t: Test,
  name: string,
  changes: Record<string, string> = {},
  example = readExample(name),
): Promise<Scene> {
  const key = newKey('key-1')
  const bridge = await startBridge(t, [key.publicJwk])
  const upstream = await startUpstream(t)
  const text = adapt(example, {
    'http://127.0.0.1:3000/.well-known/jwks.json': bridge.jwksUrl,
    'http://127.0.0.1:3000/gate/revocations': bridge.revocationsUrl,
    'http://127.0.0.1:3000/auth/validate': bridge.validateUrl,
    'http://127.0.0.1:4000': upstream.url,
    'http://127.0.0.1:8069': upstream.url,
    ...changes,
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((what) => `${what}_temp_path /mnt/work/${what};`)
    .join('\n')
  const gate = await startGate(t, engineOf(name), {
    bridge,
    server: '',
    text: text
      .replace('http {', `http {\n${temporary}`)
      .replace('user www-data;', 'user www-data; daemon off; error_log /mnt/work/error.log;'),
  })
  return { gate, bridge, upstream, key }
}

const statusOf = async (gate: Gate, path: string, token?: string): Promise<number> =>
  (await gate.request(path, token === undefined ? {} : { token })).status

for (const name of ['example-api.conf', 'example-auth-request.conf']) {
  t.test(`${name}: an API`, async (t) => {
    const { gate, bridge, upstream, key } = await play(t, name)
    t.equal(await statusOf(gate, '/api/contacts'), 401)
    t.equal(await statusOf(gate, '/api/contacts', mint(key, { scope: '' })), 403)
    t.equal(upstream.seen.length, 0)
    t.equal(await statusOf(gate, '/api/contacts', mint(key)), 200)
    t.match(upstream.seen.at(-1), {
      url: '/api/contacts',
      headers: { host: 'gate.example', 'drawbridge-iss': ISSUER, 'drawbridge-sub': '6' },
    })

    const token = mint(key, { sid: 'ended' })
    t.equal(await statusOf(gate, '/api/contacts', token), 200)
    bridge.revocations = () => ({
      epoch: 'epoch-1',
      all: false,
      sessions: [['ended', Date.now() / 1000 + 900]],
      users: [],
      after: 'end',
      more: false,
    })
    // The second round began after this.
    for (let rounds = 0; rounds < 2; rounds++) await once(bridge.events, 'revocations')
    while ((await statusOf(gate, '/api/contacts', token)) !== 401) continue
    t.equal(await statusOf(gate, '/api/contacts', mint(key)), 200)
    if (name !== 'example-api.conf') return

    t.match(gate.file('access.log'), 'insufficient_scope sub= sid=')
    t.match(gate.file('access.log'), 'valid sub=6 sid=session-1')
    const metrics = await gate.request('/metrics')
    t.equal(metrics.status, 200)
    t.match(metrics.body, 'drawbridge_gate_verdicts_total{verdict="revoked"} ')
    const origin: [string, string] = ['Origin', 'https://app.example.com']
    const page = await gate.request('/api/contacts', { token: mint(key), headers: [origin] })
    t.equal(page.headers['access-control-allow-origin'], 'https://app.example.com')
  })
}

t.test('docs/gate.md: five lines', async (t) => {
  const example = `
    load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
    user www-data;
    pid /run/nginx.pid;
    events {}
    http {
      ${nginxBlock('js_engine')}
      server {
        listen 127.0.0.1:8000;
        include /etc/nginx/drawbridge/periodic.conf;
        ${nginxBlock('location /api/')}
      }
    }`
  const changes = { 'the-gate-credential': CREDENTIAL }
  const { gate, key } = await play(t, 'five lines', changes, example)
  t.equal(await statusOf(gate, '/api/contacts'), 401)
  t.equal(await statusOf(gate, '/api/contacts', mint(key)), 200)
})

t.test('example-static.conf: a handbook', async (t) => {
  const { gate, key } = await play(t, 'example-static.conf')
  const root = join(dirname(gate.socketPath), 'www')
  mkdirSync(join(root, 'handbook'), { recursive: true })
  writeFileSync(join(root, 'handbook/page.html'), 'how we work')

  const withCookie = (token: string, method = 'GET', site = 'same-origin') =>
    gate.request('/handbook/page.html', {
      method,
      headers: [
        ['Cookie', `__Host-handbook=${token}`],
        ['Sec-Fetch-Site', site],
      ],
    })
  const aud = `${ISSUER}/handbook`
  const answer = await withCookie(mint(key, { aud }))
  t.equal(answer.status, 200)
  t.equal(answer.body, 'how we work')
  t.equal((await withCookie(mint(key, { aud, roles: ['portal'] }))).status, 403)
  t.equal((await withCookie(mint(key))).status, 401)
  const good = mint(key, { aud })
  t.equal((await withCookie(good, 'POST', 'cross-site')).status, 403)
  t.equal((await withCookie(good, 'POST')).status, 405, 'nginx itself: a file takes no POST')
  t.equal((await withCookie(good, 'GET', 'cross-site')).status, 200, 'a link')

  t.equal(await statusOf(gate, '/handbook/page.html'), 401)
  t.equal(await statusOf(gate, '/handbook/page.html', good), 401, 'the cookie is what counts')
})

t.test('example-sign-in.conf: pages that lead to the sign-in', async (t) => {
  const { gate, key, upstream } = await play(t, 'example-sign-in.conf')
  const page: [string, string][] = [
    ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-Dest', 'document'],
  ]
  const cookie = (token: string): [string, string] => ['Cookie', `__Host-handbook=${token}; a=1`]
  const answer = await gate.request('/guide?chapter=2', { headers: page })
  t.equal(answer.status, 303)
  t.equal(answer.headers.location, '/login?return=%2Fguide%3Fchapter%3D2')
  t.equal(await statusOf(gate, '/guide'), 401, 'no page')
  t.equal(upstream.seen.length, 0)

  const good = cookie(mint(key, { aud: `${ISSUER}/handbook` }))
  t.equal((await gate.request('/guide', { headers: [...page, good] })).status, 200)
  t.match(upstream.seen.at(-1)?.headers, { 'drawbridge-sub': '6', cookie: 'a=1' })
  for (const path of ['/login?return=%2Fguide', '/signed-in?code=x']) {
    t.equal((await gate.request(path, { headers: [...page, good] })).status, 200)
    t.equal(upstream.seen.at(-1)?.url, path)
    t.notOk(upstream.seen.at(-1)?.headers['drawbridge-sub'])
  }
})

t.test('example-audiences.conf: several audiences and issuers', async (t) => {
  const partner = 'https://partner.example'
  const other = newKey('key-2')
  const partnerBridge = await startBridge(t, [other.publicJwk], partner)
  const { gate, key, upstream } = await play(t, 'example-audiences.conf', {
    'https://partner.example/jwks.json': partnerBridge.jwksUrl,
  })
  const contacts = { aud: `${ISSUER}/contacts`, scope: 'contacts.read' }
  const orders = { aud: `${ISSUER}/orders`, scope: 'orders.read orders.write' }
  const catalogue = { aud: 'https://shop.example.com/catalogue', scope: '', iss: partner }

  t.equal(await statusOf(gate, '/contacts/1'), 401)
  t.equal(await statusOf(gate, '/contacts/1', mint(key, contacts)), 200)
  t.equal(await statusOf(gate, '/contacts/1', mint(key, orders)), 401)
  t.equal(await statusOf(gate, '/contacts/1', mint(other, { ...contacts, iss: partner })), 401)

  t.equal(await statusOf(gate, '/orders/1', mint(key, orders)), 200)
  t.equal(await statusOf(gate, '/orders/1', mint(key, { ...orders, roles: ['portal'] })), 403)
  const { headers } = await gate.request('/orders/1')
  const metadata = /resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] ?? '')?.[1] ?? ''
  const { origin, pathname } = new URL(metadata)
  t.equal(origin, ISSUER)
  const published = await gate.request(pathname)
  t.equal(published.headers['content-type'], 'application/json')
  t.equal(published.headers['access-control-allow-origin'], '*')
  t.same(JSON.parse(published.body), {
    resource: orders.aud,
    authorization_servers: [ISSUER],
    scopes_supported: orders.scope.split(' '),
    bearer_methods_supported: ['header'],
  })

  const old = { iat: Math.floor(Date.now() / 1000) - 400 }
  t.equal(await statusOf(gate, '/orders/1', mint(key, { ...orders, ...old })), 401)

  t.equal(await statusOf(gate, '/catalogue/1', mint(key, contacts)), 200)
  t.equal(await statusOf(gate, '/catalogue/1', mint(other, catalogue)), 200)
  t.equal(upstream.seen.at(-1)?.headers['drawbridge-iss'], partner)
  t.equal(await statusOf(gate, '/catalogue/1', mint(key, catalogue)), 401, "the other's key")
})

t.test('example-public-paths.conf: public paths', async (t) => {
  const { gate, key, upstream } = await play(t, 'example-public-paths.conf')
  t.equal(await statusOf(gate, '/api/contacts'), 401)
  t.equal(await statusOf(gate, '/api/healthy'), 401)
  t.equal(await statusOf(gate, '/api/contacts', mint(key)), 200)
  for (const path of ['/api/public/news', '/api/health']) {
    upstream.seen.length = 0
    for (const name of Object.values(GATE_HEADERS)) {
      const answer = await gate.request(path, { headers: [[name, '2']] })
      t.equal(answer.status, 400, `${path}, ${name}`)
    }
    t.equal(upstream.seen.length, 0)
    const empty = Object.values(GATE_HEADERS).map((name): [string, string] => [name, ''])
    const cookie: [string, string] = ['Cookie', 'drawbridge_refresh=x; a=1']
    const answer = await gate.request(path, { token: mint(key), headers: [cookie, ...empty] })
    t.equal(answer.status, 200, path)
    t.notMatch(Object.keys(upstream.seen[0]?.headers ?? {}).join(), /drawbridge|authorization/)
    t.equal(upstream.seen[0]?.headers.cookie, 'a=1')
  }
})

t.test('example-introspect.conf: the bridge is asked', async (t) => {
  const { gate, key, bridge } = await play(t, 'example-introspect.conf')
  const scope = 'payments.write odoo.read'
  const token = mint(key, { scope })
  const asked = async (path: string) => {
    const before = bridge.questions.length
    const status = await statusOf(gate, path, token)
    return [status, bridge.questions.length - before]
  }
  bridge.respondValidate = verdict({ status: 'Valid', claims: claims({ scope }) })
  t.equal(await statusOf(gate, '/payments/1'), 401)
  t.equal(bridge.questions.length, 0)
  t.same(await asked('/payments/1'), [200, 1])
  t.same(await asked('/payments/1'), [200, 1])
  t.same(await asked('/reports/1'), [200, 1])
  t.same(await asked('/reports/1'), [200, 0], 'the answer serves')
  bridge.respondValidate = verdict({ status: 'Invalid' })
  t.same(await asked('/payments/1'), [401, 1])
})

t.test("example-odoo.conf: Odoo's API", async (t) => {
  const { gate, key, upstream } = await play(t, 'example-odoo.conf')
  const path = '/json/2/res.partner/search_read'
  const token = mint(key, { aud: 'odoo:3b1f6c7e-0000-4000-8000-5f2d9c1a7e42', scope: '' })
  t.equal(await statusOf(gate, path), 401)
  t.equal(await statusOf(gate, path, mint(key)), 401)
  const answer = await gate.request(path, { token, headers: [['Cookie', 'session_id=x']] })
  t.equal(answer.status, 200)
  const headers = upstream.seen.at(-1)?.headers
  t.equal(headers?.authorization, `Bearer ${token}`)
  t.notOk(headers?.cookie)
  t.equal(headers?.['x-forwarded-host'], 'gate.example')
  t.equal(await statusOf(gate, '/web/login', token), 404)
})
