import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import {
  accessClaims,
  accessTokenOf,
  ageChecks,
  ageRotations,
  cookieOf,
  errorOf,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'

const rolesOf = (response: Parameters<typeof accessTokenOf>[0]) =>
  accessClaims(accessTokenOf(response)).roles

test('Odoo is asked at a refresh, but not at each', async (t) => {
  const { app, odoo, files } = await startBridge(t)
  const first = await login(app)
  const before = odoo.calls.length
  const second = await refresh(app, refreshTokenOf(first))
  t.equal(odoo.calls.length, before, 'not within five minutes')

  ageChecks(files.sqlite, 301)
  odoo.groups['demo'] = ['base.group_user', 'base.group_system']
  const third = await refresh(app, refreshTokenOf(second))
  t.ok(odoo.calls.length > before)
  t.same(rolesOf(second), ['internal'])
  t.same(rolesOf(third).sort(), ['admin', 'internal'], 'with the roles of now')

  const asked = odoo.calls.length
  t.same(rolesOf(await refresh(app, refreshTokenOf(third))).sort(), ['admin', 'internal'])
  t.equal(odoo.calls.length, asked, 'and not again')
})

test('whom Odoo does not stand by any more is signed out at the refresh', async (t) => {
  const { app, odoo, files } = await startBridge(t)
  const signedIn = await login(app)
  // What a new password, an archived and a deleted user come to at Odoo.
  odoo.sessions.clear()
  ageChecks(files.sqlite, 301)
  const response = await refresh(app, refreshTokenOf(signedIn))
  t.equal(response.statusCode, 401)
  t.equal(errorOf(response), 'invalid_refresh_token')
  t.equal(cookieOf(response)?.value, '')
  const { status } = (await validate(app, accessTokenOf(signedIn))).json<{ status: string }>()
  t.equal(status, 'Invalid')
  const database = new DatabaseSync(files.sqlite)
  t.teardown(() => {
    database.close()
  })
  t.match(database.prepare('SELECT revoked_reason FROM sessions').get(), {
    revoked_reason: 'odoo_session_ended',
  })
})

test('Odoo down: refreshes go on for a while, then 503 and the session waits', async (t) => {
  const { app, odoo, files } = await startBridge(t)
  const first = await login(app)
  odoo.failWith = 502
  ageChecks(files.sqlite, 301)
  const second = await refresh(app, refreshTokenOf(first))
  t.equal(second.statusCode, 200)
  t.same(rolesOf(second), ['internal'])

  ageChecks(files.sqlite, 3600)
  const refused = await refresh(app, refreshTokenOf(second))
  t.equal(refused.statusCode, 503)
  t.equal(errorOf(refused), 'odoo_unavailable')
  t.ok(refused.headers['retry-after'])
  t.notOk(cookieOf(refused), 'the cookie stays')

  for (let again = 0; again < 5; again++) {
    // As after half a minute each: the wait must not look like theft.
    ageRotations(files.sqlite, 31)
    t.equal((await refresh(app, refreshTokenOf(second))).statusCode, 503)
  }

  odoo.failWith = undefined
  const again = await refresh(app, refreshTokenOf(second))
  t.equal(again.statusCode, 200, 'the same refresh, repeated')
})

test('a slow Odoo keeps nobody waiting whom it may be asked about later', async (t) => {
  // Whoever waits for this Odoo does so for longer than the test may take.
  t.setTimeout(30_000)
  const { app, odoo, files } = await startBridge(t, { ODOO_TIMEOUT: '60' })
  const signedIn = await login(app)
  ageChecks(files.sqlite, 301)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  odoo.hold = { path: /./, until: promise }
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => refresh(app, refreshTokenOf(signedIn))),
  )
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  const asked = odoo.calls.filter(({ path }) => path === '/web/session/check').length
  t.equal(asked, 1, 'one question for all of them')

  // The answer that came too late counts from now on.
  odoo.hold = undefined
  resolve(undefined)
  const next = answers[0] ? refreshTokenOf(answers[0]) : ''
  t.equal((await refresh(app, next)).statusCode, 200)
})

test('whoever signs in is not kept from Odoo by checks', async (t) => {
  const { app, odoo, files } = await startBridge(t, { ODOO_CONNECTIONS: '4', ODOO_TIMEOUT: '2' })
  const sessions = await Promise.all(Array.from({ length: 5 }, () => login(app)))
  ageChecks(files.sqlite, 301)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  odoo.hold = { path: /check/, until: promise }
  const refreshes = sessions.map((each) => refresh(app, refreshTokenOf(each)))
  await odoo.called()
  t.equal((await login(app)).statusCode, 200, 'while five checks wait for one connection')
  resolve(undefined)
  for (const { statusCode } of await Promise.all(refreshes)) t.equal(statusCode, 200)
})
