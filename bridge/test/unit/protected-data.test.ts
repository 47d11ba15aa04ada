import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { GATE_HEADERS, PATHS } from '../../src/contract/index.ts'
import {
  accessClaims,
  accessTokenOf,
  errorOf,
  gateHeaders,
  ISSUER,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
} from '../helper.ts'

const claimsOf = (response: Parameters<typeof accessTokenOf>[0]) =>
  accessClaims(accessTokenOf(response))

test('A7.1.1: the data of the user, as Odoo gives it to the user', async (t) => {
  const { app, odoo } = await startBridge(t)
  const headers = gateHeaders(claimsOf(await login(app)))
  const response = await app.inject({ url: PATHS.protectedData, headers })
  t.equal(response.statusCode, 200)
  t.same(response.json(), {
    user: {
      uid: 6,
      name: 'Marc Demo',
      login: 'demo',
      language: 'fr-BE',
      companies: [{ id: 1, name: 'My Company' }],
    },
    contacts: [
      {
        id: 1,
        name: 'Azure Interior',
        email: 'azure@example.com',
        phone: null,
        city: null,
        company: 'Azure',
        is_company: true,
        photo: false,
      },
    ],
    after: null,
    total: 1,
  })
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(
    odoo.calls.at(-1)?.headers.cookie,
    /^session_id=session-1$/,
    "with the user's own session",
  )
})

test('whoever does not come through the gate gets nothing', async (t) => {
  const { app, odoo } = await startBridge(t)
  const signedIn = await login(app)
  const headers = gateHeaders(claimsOf(signedIn))
  const before = odoo.calls.length
  const bad: Record<string, Record<string, string>> = {
    'no credential': { ...headers, [GATE_HEADERS.credential]: '' },
    'a wrong credential': { ...headers, [GATE_HEADERS.credential]: 'x'.repeat(43) },
    'no session': { ...headers, [GATE_HEADERS.sid]: '' },
    'no user': { ...headers, [GATE_HEADERS.sub]: '' },
    'no issuer': { ...headers, [GATE_HEADERS.iss]: '' },
    'a user of another issuer': { ...headers, [GATE_HEADERS.iss]: 'https://other.example' },
    'almost our issuer': { ...headers, [GATE_HEADERS.iss]: `${ISSUER}/` },
    'the token instead': { authorization: `Bearer ${accessTokenOf(signedIn)}` },
  }
  for (const [what, sent] of Object.entries(bad)) {
    const response = await app.inject({ url: PATHS.protectedData, headers: sent })
    t.equal(response.statusCode, 401, what)
    t.equal(errorOf(response), 'invalid_gate_credential', what)
  }
  const scopeless = { ...headers, [GATE_HEADERS.scope]: 'odoo.readx' }
  t.equal((await app.inject({ url: PATHS.protectedData, headers: scopeless })).statusCode, 403)
  t.equal(odoo.calls.length, before)
})

test('a session id that Odoo replaced is used from then on', async (t) => {
  const { app, odoo } = await startBridge(t)
  const headers = gateHeaders(claimsOf(await login(app)))
  odoo.rotateTo = 'rotated'
  await app.inject({ url: PATHS.protectedData, headers })
  odoo.sessions.delete('session-1')
  const response = await app.inject({ url: PATHS.protectedData, headers })
  t.equal(response.statusCode, 200)
  t.match(odoo.calls.at(-1)?.headers.cookie, 'session_id=rotated')
})

test('a session that Odoo has forgotten is over here, too', async (t) => {
  const { app, odoo } = await startBridge(t)
  const signedIn = await login(app)
  odoo.sessions.clear()
  const headers = gateHeaders(claimsOf(signedIn))
  const response = await app.inject({ url: PATHS.protectedData, headers })
  t.equal(response.statusCode, 401)
  t.equal(errorOf(response), 'session_ended')
  t.match(response.headers['www-authenticate'], /error="invalid_token"/)
  t.equal((await refresh(app, refreshTokenOf(signedIn))).statusCode, 401)
})

test('who reads or writes the database cannot use what is stored there', async (t) => {
  const { app, files } = await startBridge(t)
  const victim = claimsOf(await login(app))
  const thief = claimsOf(await login(app))
  const database = new DatabaseSync(files.sqlite)
  t.teardown(() => {
    database.close()
  })
  const rows = database.prepare('SELECT sid, odoo_session FROM sessions').all()
  t.notMatch(JSON.stringify(rows), /session-\d/, 'sealed')
  database
    .prepare(
      'UPDATE sessions SET odoo_session = (SELECT odoo_session FROM sessions WHERE sid = ?) WHERE sid = ?',
    )
    .run(victim.sid, thief.sid)
  const response = await app.inject({ url: PATHS.protectedData, headers: gateHeaders(thief) })
  t.equal(errorOf(response), 'session_ended', 'a moved one does not open')
})
