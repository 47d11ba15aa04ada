import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import {
  ODOO_END_SESSIONS_PATH,
  ODOO_EVENTS_PATH,
  PATHS,
  type RevocationsPage,
  type ValidateResponse,
} from '../../src/contract/index.ts'
import {
  continueWithOdoo,
  newAddonKey,
  signEvent,
  startFakeAddon,
  type FakeAddon,
} from '../fake-addon.ts'
import {
  accessClaims,
  accessTokenOf,
  errorOf,
  GATE_CREDENTIAL,
  ISSUER,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { until } from '../until.ts'

const send = (
  app: FastifyInstance,
  { body, proof }: { body: string | Buffer; proof: string },
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: 'POST',
    url: ODOO_EVENTS_PATH,
    headers: { authorization: `Bearer ${proof}`, 'content-type': 'application/json', ...headers },
    payload: body,
  })

const isLive = async (app: FastifyInstance, token: string) =>
  (await validate(app, token)).json<ValidateResponse>().status === 'Valid'

/** Waits for the first round, by which the bridge has the addon's key. */
const untilPinned = (app: FastifyInstance, addon: FakeAddon) =>
  until(async () => {
    const event = signEvent(addon.key, { uids: [7] }, ISSUER)
    return (await send(app, event)).statusCode === 204
  })

const revocations = async (app: FastifyInstance) =>
  (
    await app.inject({
      url: PATHS.revocations,
      headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
    })
  ).json<RevocationsPage>()

const signIn = async (app: FastifyInstance, who = 'demo') => {
  const response = await login(app, { login: who, password: who })
  const token = accessTokenOf(response)
  return { token, cookie: refreshTokenOf(response), ...accessClaims(token) }
}

test('an event has the bridge read the stamps, and end the sessions of another stamp', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const [first, second, other] = [await signIn(app), await signIn(app), await signIn(app, 'other')]
  await untilPinned(app, addon)
  addon.stamps.set(6, 'another password')
  const later = await signIn(app)
  const response = await send(app, signEvent(addon.key, { uids: [6, 7] }, ISSUER))
  t.equal(response.statusCode, 204, response.body)
  await until(async () => !(await isLive(app, first.token)))
  t.notOk(await isLive(app, second.token))
  t.ok(await isLive(app, later.token), 'who signed in with the new password stays')
  t.ok(await isLive(app, other.token))
  const { sessions, users } = await revocations(app)
  t.same(sessions.map(([sid]) => sid).sort(), [first.sid, second.sid].sort(), 'gates are told')
  t.same(users, [])
  t.equal(errorOf(await refresh(app, first.cookie)), 'invalid_refresh_token')
})

test('who may not sign in any more is out with every token, and all may be meant', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const [first, other] = [await signIn(app), await signIn(app, 'other')]
  await untilPinned(app, addon)
  addon.stamps.delete(6)
  t.equal((await send(app, signEvent(addon.key, { all: true }, ISSUER))).statusCode, 204)
  await until(async () => !(await isLive(app, first.token)))
  t.ok(await isLive(app, other.token))
  const { users } = await revocations(app)
  t.match(users, [['6', Number, Number]], 'a sign-in under way is met by the cut-off')
})

test('whatever is not quite an event of this Odoo is refused, and Odoo is not asked', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const session = await signIn(app)
  await untilPinned(app, addon)
  // Whatever is taken for an event ends this session from here on.
  addon.stamps.delete(6)

  const now = Math.floor(Date.now() / 1000)
  const good = signEvent(addon.key, { uids: [6] }, ISSUER)
  const stranger = newAddonKey()
  const changed = (changes: object, header = {}) =>
    signEvent(addon.key, { uids: [6] }, ISSUER, changes, header)
  const [head = '', payload = ''] = good.proof.split('.')
  const none = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(head, 'base64url').toString()), alg: 'none' }),
  ).toString('base64url')
  const wrong = {
    'no proof': { ...good, proof: '' },
    'no JWT': { ...good, proof: 'a.b.c' },
    'no signature': { ...good, proof: `${none}.${payload}.` },
    "a stranger's": signEvent(stranger, { uids: [6] }, ISSUER),
    "a stranger's under the name of the key": signEvent(
      stranger,
      { uids: [6] },
      ISSUER,
      {},
      { kid: addon.key.kid },
    ),
    'an access token of this bridge': { ...good, proof: session.token },
    'another type': changed({}, { typ: 'at+jwt' }),
    'another database': changed({ iss: 'odoo:another' }),
    'for another bridge': changed({ aud: 'http://localhost:9999' }),
    'for others, too': changed({ aud: [ISSUER, 'http://localhost:9999'] }),
    'for another body': changed({ content_digest: 'sha-256=:AAAA:' }),
    'of the body of another': { ...good, body: changed({}).body },
    expired: changed({ iat: now - 100, exp: now - 40 }),
    'living too long': changed({ iat: now, exp: now + 61 }),
    'of the future': changed({ iat: now + 30, exp: now + 60 }),
    'without a time': changed({ iat: undefined }),
    'of a broken time': changed({ exp: now + 0.5 }),
    'without an id': changed({ jti: undefined }),
    'for another route': changed({ htu: ODOO_END_SESSIONS_PATH }),
    'for another method': changed({ htm: 'GET' }),
    'for no route': changed({ htu: undefined }),
  }
  for (const [what, event] of Object.entries(wrong)) {
    const response = await send(app, event)
    t.equal(response.statusCode, 401, `${what}: ${response.body}`)
    t.equal(errorOf(response), 'invalid_odoo_proof', what)
  }

  const large = Buffer.alloc(60 * 1024, 'x')
  t.equal((await send(app, { ...good, proof: 'x', body: large })).statusCode, 401, 'unread')
  t.equal((await send(app, { ...good, body: large })).statusCode, 400)
  t.equal((await send(app, good, { 'content-type': 'text/plain' })).statusCode, 415)
  const signed = [
    { uids: [] },
    { uids: ['6'] },
    { uids: [0] },
    { uids: [2 ** 40] },
    { all: false },
    { browsers: [] },
    { browsers: ['*'] },
    { browsers: ['../'.repeat(14)] },
    { browsers: 'A'.repeat(42) },
    { uids: Array.from({ length: 1001 }, (_, index) => index + 1) },
    { uids: [6], jti: 'x' },
  ]
  for (const about of signed) {
    const response = await send(app, signEvent(addon.key, about, ISSUER))
    t.equal(response.statusCode, 400, JSON.stringify(about).slice(0, 60))
  }
  const other = changed({ jti: 'another id' })
  t.equal((await send(app, other)).statusCode, 400, 'not the id that was signed')

  // What would have been asked for before it has been by then.
  const asked = addon.answered('stamps')
  t.equal((await send(app, signEvent(addon.key, { uids: [7] }, ISSUER))).statusCode, 204)
  await asked
  t.ok(await isLive(app, session.token))
  t.equal((await send(app, good)).statusCode, 204, 'able')
  await until(async () => !(await isLive(app, session.token)))
})

test('an event that comes again has the stamps read again, and ends nothing', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const { token } = await signIn(app)
  await untilPinned(app, addon)
  const event = signEvent(addon.key, { uids: [6] }, ISSUER)
  for (let again = 0; again < 3; again++) {
    const asked = addon.answered('stamps')
    t.equal((await send(app, event)).statusCode, 204)
    await asked
  }
  t.ok(await isLive(app, token))
})

test('other groups are seen at the next refresh, and end nothing', async (t) => {
  const { app, addon } = await startPairedBridge(t)
  const { cookie, roles } = await signIn(app)
  t.same(roles, ['internal'])
  await untilPinned(app, addon)
  addon.groups = ['base.group_user', 'base.group_system']
  const before = await refresh(app, cookie)
  t.same(accessClaims(accessTokenOf(before)).roles, ['internal'], 'nobody told')
  await send(app, signEvent(addon.key, { uids: [6] }, ISSUER))
  let token = refreshTokenOf(before)
  await until(async () => {
    const response = await refresh(app, token)
    token = refreshTokenOf(response)
    return accessClaims(accessTokenOf(response)).roles.includes('admin')
  })
})

test('without any event, the next round finds it; Odoo down ends nothing', async (t) => {
  const { app, addon } = await startPairedBridge(t, { ODOO_RECONCILE_INTERVAL: '1' })
  const { token } = await signIn(app)
  await addon.answered('stamps')
  t.ok(await isLive(app, token))

  addon.stamps.set(6, 'another password')
  addon.failWith = 503
  await addon.answered('hello')
  await addon.answered('hello')
  t.ok(await isLive(app, token), 'an outage is no reason')
  addon.failWith = undefined
  await addon.answered('stamps')
  await until(async () => !(await isLive(app, token)))
  t.match(
    (await app.inject({ url: '/metrics' })).body,
    /odoo_ended_sessions_total\{cause="comparison"\} 1/,
  )
})

test('bridges take turns', async (t) => {
  const addon = await startFakeAddon(t)
  const shared = { SQLITE_FILE: join(t.testdir({}), 'shared.sqlite') }
  const first = await startPairedBridge(t, shared, addon)
  await signIn(first.app)
  const rounds = async ({ app }: typeof first) =>
    /odoo_comparison_duration_seconds_count\{outcome="ok"\} (\d+)/.exec(
      (await app.inject({ url: '/metrics' })).body,
    )?.[1]
  await until(async () => (await rounds(first)) === '1')
  // A test of its own: each bridge empties the folder of its test.
  await t.test('the next one finds it done', async (t) => {
    const second = await startPairedBridge(t, shared, addon)
    await untilPinned(second.app, addon)
    t.equal(await rounds(second), undefined)
  })
})

test('signing out of Odoo ends what was continued from that browser, as configured', async (t) => {
  const follows = async (settings: Record<string, string>) => {
    const { app, addon } = await startPairedBridge(t, settings)
    await untilPinned(app, addon)
    const from = async (browser: string) => {
      addon.atOdoo = { ...addon.atOdoo, browser }
      const token = refreshTokenOf(await continueWithOdoo(app, addon))
      return accessTokenOf(await refresh(app, token))
    }
    const [gone, stays, typed] = [
      await from('A'.repeat(42)),
      await from('B'.repeat(42)),
      (await signIn(app)).token,
    ]
    addon.signedOut.add('A'.repeat(42))
    // An event says only where to look: the second browser is still signed in.
    const browsers = ['A'.repeat(42), 'B'.repeat(42)]
    t.equal((await send(app, signEvent(addon.key, { browsers }, ISSUER))).statusCode, 204)
    return { app, gone, stays, typed }
  }
  for (const setting of ['both', 'from_odoo']) {
    const { app, gone, stays, typed } = await follows({ ODOO_SINGLE_LOGOUT: setting })
    await until(async () => !(await isLive(app, gone)))
    t.ok((await isLive(app, stays)) && (await isLive(app, typed)), setting)
  }
  const { app, gone } = await follows({ ODOO_SINGLE_LOGOUT: 'to_odoo' })
  const event = signEvent(newAddonKey(), { uids: [6] }, ISSUER)
  t.equal((await send(app, event)).statusCode, 401)
  t.ok(await isLive(app, gone), 'to_odoo')
})

test('where the event of a sign-out got lost, the next round finds it', async (t) => {
  const { app, addon } = await startPairedBridge(t, { ODOO_RECONCILE_INTERVAL: '1' })
  await untilPinned(app, addon)
  const token = refreshTokenOf(await continueWithOdoo(app, addon))
  const access = accessTokenOf(await refresh(app, token))
  await addon.answered('browsers')
  t.ok(await isLive(app, access))
  addon.signedOut.add(addon.atOdoo.browser)
  await until(async () => !(await isLive(app, access)))
})

test('a key that comes later is refused until the first one is unpinned', async (t) => {
  const addon = await startFakeAddon(t)
  const settings = {
    SQLITE_FILE: join(t.testdir({}), 'kept.sqlite'),
    ODOO_RECONCILE_INTERVAL: '1',
  }
  const { app, files } = await startPairedBridge(t, settings, addon)
  await app.ready()
  await untilPinned(app, addon)
  const pinned = addon.key
  const errors: unknown[] = []
  app.log.error = (facts: unknown) => errors.push(facts)
  addon.key = newAddonKey()
  await addon.answered('hello')
  await addon.answered('hello')
  const tell = (key: typeof pinned) => send(app, signEvent(key, { uids: [6] }, ISSUER))
  t.equal((await tell(addon.key)).statusCode, 401)
  t.equal((await tell(pinned)).statusCode, 204)
  t.same(errors, [{ pinned: pinned.kid, told: addon.key.kid }], 'said loudly, and once')

  // A test of its own: each bridge empties the folder of its test.
  await t.test('by a bridge that was not there, too', async (t) => {
    const late = await startPairedBridge(t, { ...settings, ODOO_RECONCILE_INTERVAL: '3600' }, addon)
    const answer = async (key: typeof pinned) =>
      (await send(late.app, signEvent(key, { uids: [6] }, ISSUER))).statusCode
    await until(async () => (await answer(pinned)) === 204)
    t.equal(await answer(addon.key), 401)
  })

  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '../../src/unpin-command.ts')],
    {
      env: {
        ISSUER,
        ODOO_ADAPTER: 'addon',
        ODOO_URL: addon.url,
        ODOO_DATABASE: 'drawbridge',
        ODOO_DATABASE_UUID: 'the-uuid',
        KEY_CUSTODY: 'file',
        KEY_FILE: files.keys,
        GATE_CREDENTIAL_FILE: '/dev/null',
        ...settings,
      },
    },
  )
  t.match(stdout, 'The key of odoo:the-uuid is forgotten.')
  await untilPinned(app, addon)
  t.equal((await tell(pinned)).statusCode, 401)
})

test('what the addon tells is no key, or no stamps: nothing is trusted, nobody is out', async (t) => {
  const { app, addon } = await startPairedBridge(t, { ODOO_RECONCILE_INTERVAL: '1' })
  const key = addon.key
  for (const publicJwk of [{}, { kty: 'oct', k: 'AAAA' }, { ...key.publicJwk, crv: 'P-384' }]) {
    addon.key = { ...key, publicJwk }
    const { token } = await signIn(app)
    await addon.answered('hello')
    t.equal((await send(app, signEvent(key, { uids: [6] }, ISSUER))).statusCode, 401)
    t.ok(await isLive(app, token))
  }
  addon.key = key
  await untilPinned(app, addon)
})

test('with an Odoo as it comes there is no such address', async (t) => {
  const { app, files } = await startBridge(t)
  const response = await send(app, signEvent(newAddonKey(), { uids: [6] }, ISSUER))
  t.equal(response.statusCode, 404)
  const database = new DatabaseSync(files.sqlite)
  t.same(database.prepare('SELECT * FROM odoo_pairings').all(), [])
  database.close()
})
