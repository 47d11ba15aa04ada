import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  cookieOf,
  errorOf,
  login,
  REDIRECT_URI,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'

const SECOND = { login: 'second', password: 'second' }

test('A2: a second factor is asked for, checked and told in the token', async (t) => {
  const { app, odoo } = await startBridge(t)
  const first = await login(app, SECOND)
  t.equal(first.statusCode, 401)
  t.equal(errorOf(first), 'mfa_required')
  t.notOk(cookieOf(first))

  const wrong = await login(app, { ...SECOND, totp: '000000' })
  t.equal(wrong.statusCode, 401)
  t.equal(errorOf(wrong), 'invalid_totp')
  t.notOk(cookieOf(wrong))
  t.equal(odoo.sessions.size, 0, 'nobody is signed in at Odoo')

  const right = await login(app, { ...SECOND, totp: '123456' })
  t.equal(right.statusCode, 200)
  const { sub, amr } = accessClaims(accessTokenOf(right))
  t.equal(sub, '8')
  t.same(amr, ['pwd', 'otp', 'mfa'])
  const forms = odoo.calls.filter(({ path }) => path === '/web/login/totp')
  t.equal(forms[0]?.headers['x-forwarded-for'], '127.0.0.1', 'Odoo counts per client here, too')
  t.equal(odoo.sessions.size, 1)
})

test('a code does not stand in for a password, and is not asked for where none is due', async (t) => {
  const { app, odoo } = await startBridge(t)
  const wrong = await login(app, { ...SECOND, password: 'no', totp: '123456' })
  t.equal(errorOf(wrong), 'invalid_credentials')
  t.notOk(odoo.calls.some(({ path }) => path === '/web/login/totp'))
  const needless = await login(app, { login: 'demo', password: 'demo', totp: '000000' })
  t.equal(needless.statusCode, 200)
  t.same(accessClaims(accessTokenOf(needless)).amr, ['pwd'])
  for (const totp of ['', 1, '1'.repeat(21), '12\u000034']) {
    t.equal((await login(app, { ...SECOND, totp })).statusCode, 400, String(totp))
  }
})

const authorizeUrl = `${PATHS.authorize}?${new URLSearchParams({
  response_type: 'code',
  client_id: 'other-app',
  redirect_uri: REDIRECT_URI,
  code_challenge: createHash('sha256').update('x').digest('base64url'),
  code_challenge_method: 'S256',
}).toString()}`

const post = (app: FastifyInstance, fields: Record<string, string>) =>
  app.inject({
    method: 'POST',
    url: authorizeUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...SAME_ORIGIN },
    payload: new URLSearchParams(fields).toString(),
  })

const heldIn = (body: string): string =>
  /name="held_password" value="([^"]+)"/.exec(body)?.[1] ?? ''

test('B2: the form asks for the code when it is due, and the password is not typed twice', async (t) => {
  const { app } = await startBridge(t)
  const due = await post(app, SECOND)
  t.equal(due.statusCode, 401)
  t.match(due.body, /name="totp"[^>]*autocomplete="one-time-code"[^>]*inputmode="numeric"/)
  t.notMatch(due.body, 'role="alert"', 'nobody did anything wrong')
  t.notMatch(due.body, 'type="password"')
  t.notMatch(due.body, /"second"[^>]*password|password[^>]*"second"/)

  const held_password = heldIn(due.body)
  const wrong = await post(app, { login: 'second', held_password, totp: '000000' })
  t.equal(wrong.statusCode, 401)
  t.match(wrong.body, /role="alert">The code is wrong/)

  const right = await post(app, {
    login: 'second',
    held_password: heldIn(wrong.body),
    totp: '123456',
  })
  t.equal(right.statusCode, 303)
  t.ok(new URL(right.headers.location ?? '').searchParams.get('code'))
})

test('a held password opens for its login alone, unchanged, and for five minutes', async (t) => {
  const { app, odoo } = await startBridge(t)
  const held_password = heldIn((await post(app, SECOND)).body)
  const asked = odoo.calls.length
  const bad: Record<string, Record<string, string>> = {
    'of another login': { login: 'demo', held_password },
    changed: {
      login: 'second',
      held_password: held_password.replace(/.$/, (c) => (c === 'A' ? 'Q' : 'A')),
    },
    'not sealed at all': { login: 'second', held_password: 'second' },
  }
  for (const [what, fields] of Object.entries(bad)) {
    const answer = await post(app, { ...fields, totp: '123456' })
    t.equal(answer.statusCode, 401, what)
    t.match(answer.body, 'type="password"', what)
  }
  t.equal(odoo.calls.length, asked, 'Odoo is not bothered')
  t.intercept(Date, 'now', { value: () => new Date().getTime() + 301_000 })
  const late = await post(app, { login: 'second', held_password, totp: '123456' })
  t.equal(late.statusCode, 401)
  t.match(late.body, /That took too long/)
})
