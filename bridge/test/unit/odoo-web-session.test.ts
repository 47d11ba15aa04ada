import { test, type Test } from 'tap'
import { odooHttp } from '../../src/odoo/http.ts'
import { OdooSessionEnded, OdooUnavailable } from '../../src/odoo/port.ts'
import { WebSession } from '../../src/odoo/web-session.ts'
import { startFakeOdoo } from '../fake-odoo.ts'
import { accessClaims, accessTokenOf, gateHeaders, login, startBridge } from '../helper.ts'
import { PATHS } from '../../src/contract/index.ts'

const open = async (t: Test, options: { timeout?: number; connections?: number } = {}) => {
  const odoo = await startFakeOdoo()
  const { timeout = 2000, connections = 4 } = options
  const http = odooHttp({ baseUrl: odoo.url, timeout, connections })
  t.teardown(async () => {
    await http.close()
    await odoo.close()
  })
  return { odoo, http }
}

const CHECK = '/web/session/check'

test('two requests that Odoo gives different ids: neither loses the session', async (t) => {
  const { app, odoo } = await startBridge(t)
  const headers = gateHeaders(accessClaims(accessTokenOf(await login(app))))
  const get = () => app.inject({ url: PATHS.protectedData, headers })
  const { promise, resolve } = Promise.withResolvers<undefined>()
  // Both have read the row before either is answered.
  odoo.hold = { path: /./, until: promise }
  odoo.rotateTo = 'first'
  const one = get()
  await odoo.called()
  odoo.rotateTo = 'second'
  const two = get()
  await odoo.called()
  odoo.hold = undefined
  resolve(undefined)
  t.same([(await one).statusCode, (await two).statusCode], [200, 200])
  odoo.sessions.delete('session-1')
  t.equal((await get()).statusCode, 200, 'one of the two is on record')
  t.match(odoo.calls.at(-1)?.headers.cookie, /session_id=(first|second)/)
})

test('a request that comes with the id of before takes up the one of now', async (t) => {
  const { odoo, http } = await open(t)
  odoo.sessions.add('now')
  const reload = () => Promise.resolve('now')
  const keeper = { onRotated: () => Promise.resolve(), reload }
  const web = new WebSession(http, { id: 'before', keeper })
  await t.resolves(web.call(CHECK, {}))
  t.equal(odoo.calls.length, 2)

  odoo.sessions.clear()
  await t.rejects(web.call(CHECK, {}), OdooSessionEnded)
  t.equal(odoo.calls.length, 4, 'asked once more, and no more than that')
  const over = { ...keeper, reload: () => Promise.resolve(undefined) }
  await t.rejects(new WebSession(http, { id: 'x', keeper: over }).call(CHECK, {}), OdooSessionEnded)
  t.equal(odoo.calls.length, 5, 'a session that is over here is not asked about again')
})

test('Odoo never has more calls at once than it was said to bear', async (t) => {
  const { odoo, http } = await open(t, { connections: 2, timeout: 10_000 })
  odoo.sessions.add('it')
  const { promise, resolve } = Promise.withResolvers<undefined>()
  odoo.hold = { path: /./, until: promise }
  const calls = Array.from({ length: 5 }, () => new WebSession(http, { id: 'it' }).call(CHECK, {}))
  await odoo.called()
  await odoo.called()
  // Whatever else was sent comes before this, which was sent later.
  await (await fetch(`${odoo.url}/web/health`)).text()
  t.equal(odoo.calls.length, 2)
  odoo.hold = undefined
  resolve(undefined)
  await t.resolves(Promise.all(calls))
  t.equal(odoo.calls.length, 5, 'the others had to wait')
})

test('the wait for a connection counts as a wait for Odoo', async (t) => {
  const { odoo, http } = await open(t, { connections: 1, timeout: 200 })
  odoo.sessions.add('it')
  const { promise, resolve } = Promise.withResolvers<undefined>()
  odoo.hold = { path: /./, until: promise }
  const call = () => new WebSession(http, { id: 'it' }).call(CHECK, {})
  await Promise.all(Array.from({ length: 20 }, () => t.rejects(call(), OdooUnavailable)))
  // More than one if a connection is free a moment before the next one's time is up.
  t.ok(odoo.calls.length < 20, `${odoo.calls.length} were sent`)
  odoo.hold = undefined
  resolve(undefined)
  await t.resolves(call())
})

test('what is no answer of Odoo is an Odoo that is not there', async (t) => {
  const { odoo, http } = await open(t)
  for (const status of [301, 403, 404, 500, 502]) {
    odoo.failWith = status
    await t.rejects(new WebSession(http).authenticate('x', 'demo', 'demo'), OdooUnavailable)
  }
  odoo.failWith = 200
  await t.rejects(new WebSession(http).authenticate('x', 'demo', 'demo'), OdooUnavailable)
  await t.rejects(new WebSession(http).secondFactor('123456'), OdooUnavailable)
})
