import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ERRORS, PATHS } from '../../src/contract/index.ts'
import { errorOf, login, SAME_ORIGIN, startBridge } from '../helper.ts'
import { sendRaw } from '../raw-request.ts'

const SOURCE = join(import.meta.dirname, '../../src')

/** All of the bridge's source but the table of errors itself. */
const source = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== join('contract', 'errors.ts'))
  .map((file) => readFileSync(join(SOURCE, file), 'utf8'))
  .join('\n')

test('every code that the source throws is in the table, and every one of the table is used', (t) => {
  const thrown = [...source.matchAll(/new BridgeError\(\s*'(\w+)'/g)].map(([, code = '']) => code)
  t.ok(thrown.length > 10, 'the reader of the source is able')
  for (const code of new Set(thrown)) t.ok(Object.hasOwn(ERRORS, code), code)
  for (const code of Object.keys(ERRORS)) t.match(source, `'${code}'`, `${code} is used`)
  t.end()
})

test('too many failures: 429, when to come back, and no call to Odoo', async (t) => {
  const { app, odoo } = await startBridge(t)
  const guess = () => login(app, { login: 'demo', password: 'guess' })
  for (let time = 0; time < 5; time++) t.equal((await guess()).statusCode, 401)
  const asked = odoo.calls.length
  const refused = await guess()
  t.equal(refused.statusCode, 429)
  t.equal(errorOf(refused), 'too_many_attempts')
  t.ok(Number(refused.headers['retry-after']) > 500)
  t.equal(odoo.calls.length, asked)

  const form = await app.inject({
    method: 'POST',
    url: `${PATHS.authorize}?${new URLSearchParams({
      response_type: 'code',
      client_id: 'other-app',
      redirect_uri: 'http://127.0.0.1:8090/callback.html',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    }).toString()}`,
    headers: { ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'login=demo&password=demo',
  })
  t.equal(form.statusCode, 429, 'the other door is the same door')
  t.match(form.body, ERRORS.too_many_attempts.description)
  t.equal(odoo.calls.length, asked)
})

test('the address that is counted is the one that the gate names', async (t) => {
  const { app } = await startBridge(t)
  const from = (address: string) =>
    app.inject({
      method: 'POST',
      url: PATHS.login,
      headers: { ...SAME_ORIGIN, 'x-forwarded-for': address },
      payload: { login: 'demo', password: 'guess' },
    })
  for (let time = 0; time < 5; time++) await from('192.0.2.1')
  t.equal((await from('192.0.2.1')).statusCode, 429)
  t.equal((await from('192.0.2.2')).statusCode, 401)
})

test('a login or password that Odoo cannot read does not reach it', async (t) => {
  const { app, odoo } = await startBridge(t)
  for (const body of [
    { login: 'de\0mo', password: 'x' },
    { login: 'demo\n', password: 'x' },
    { login: 'demo', password: 'x\0' },
    { login: '\ud800', password: 'x' },
    { login: 'demo', password: '\udfff' },
  ]) {
    t.equal(errorOf(await login(app, body)), 'invalid_request', JSON.stringify(body))
  }
  t.equal(odoo.calls.length, 0)
})

test('each answer names its request, as the gate did if it did', async (t) => {
  const { app } = await startBridge(t)
  const idFor = async (given?: string) => {
    const headers = given === undefined ? {} : { 'x-request-id': given }
    return (await app.inject({ url: '/healthz', headers })).headers['x-request-id']
  }
  t.equal(await idFor('0123456789abcdef'), '0123456789abcdef')
  for (const bad of [undefined, '', 'short', 'x'.repeat(65), 'spaces in it', '{"a":1}1']) {
    t.match(await idFor(bad), /^[\da-f]{8}-/, bad ?? 'none')
  }
})

test('readiness: asked once a second, whoever asks how often', async (t) => {
  const { app, odoo } = await startBridge(t)
  let now = Date.now()
  t.capture(Date, 'now', () => now)
  const ask = () => app.inject({ url: '/readyz' })
  odoo.failWith = 502
  const answers = await Promise.all(Array.from({ length: 50 }, ask))
  for (const answer of answers) {
    t.same(answer.json(), { database: 'ok', keys: 'ok', odoo: 'unavailable' })
    t.equal(answer.statusCode, 503)
  }
  odoo.failWith = undefined
  now += 999
  t.equal((await ask()).statusCode, 503, 'the same answer for a second')
  now += 1
  t.same((await ask()).json(), { database: 'ok', keys: 'ok', odoo: 'ok' })
})

test('headers that every answer carries, refusals too', async (t) => {
  const { app } = await startBridge(t)
  for (const url of ['/healthz', '/nothing', PATHS.sessions]) {
    const { headers } = await app.inject({ url })
    t.match(headers, {
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'SAMEORIGIN',
    })
    t.notOk(headers['x-powered-by'])
  }
})

test('what is no request gets the one shape of answer', async (t) => {
  const { app } = await startBridge(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const wrong = {
    'headers too large': [['x-long', 'x'.repeat(17_000)]],
    'a header of no name': [['', 'x']],
  } as Record<string, [string, string][]>
  for (const [what, headers] of Object.entries(wrong)) {
    const answer = await sendRaw(port, {
      line: 'GET /healthz HTTP/1.1',
      headers: [['host', 'localhost'], ...headers],
      body: Buffer.alloc(0),
    })
    t.equal(answer.status, 400, what)
    t.match(JSON.parse(answer.body), { error: 'invalid_request' }, what)
  }
  const badPath = await app.inject({ url: '/%zz' })
  t.equal(badPath.statusCode, 400)
  t.equal(errorOf(badPath), 'invalid_request')
})
