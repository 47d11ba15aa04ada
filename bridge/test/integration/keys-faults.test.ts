import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { KeysUnavailable } from '../../src/keys/port.ts'
import {
  accessTokenOf,
  login,
  refresh,
  refreshClaims,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import { headerOf } from '../jws.ts'
import { openKeys, showsSecret, startVault } from '../openbao.ts'
import { until } from '../until.ts'

const CUSTODIES = ['fetched', 'remote'] as const

/** The answer that every fault of the keys has, in full. */
const UNAVAILABLE = {
  error: 'keys_unavailable',
  error_description: 'No signing key at hand. Try again shortly.',
}

const isUnavailable = (
  t: Test,
  response: { statusCode: number; headers: object; json: () => object },
) => {
  t.equal(response.statusCode, 503)
  t.match(response.headers, { 'retry-after': /^\d+$/, 'cache-control': 'no-store' })
  t.same(response.json(), UNAVAILABLE, 'no word of the cause')
}

const metric = async (app: FastifyInstance, line: string): Promise<number> => {
  const { body } = await app.inject({ url: '/metrics' })
  const found = body.split('\n').find((one) => one.startsWith(`${line} `))
  return Number(found?.split(' ').at(-1) ?? 0)
}

const readiness = async (app: FastifyInstance) =>
  (await app.inject({ url: '/readyz' })).json<{ keys: string }>().keys

const errorOf = async (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it succeeded'),
    (error: unknown) => error as Error,
  )

/** All that an error carries, however deep: a logger may show any of it. */
const allOf = (error: unknown): string => inspect(error, { depth: Infinity, showHidden: true })

test('faults of Vault', async (t) => {
  const vault = await startVault(t)

  t.test('sealed, fetched: served from memory, then 503, then served again', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    const bounds = { KEY_POLL_INTERVAL: '1', KEY_MAX_AGE: '4', JWKS_MAX_AGE: '1' }
    const { app } = await startBridge(t, { ...place.settings, ...bounds })
    const signedIn = await login(app)
    t.equal(signedIn.statusCode, 200)
    t.teardown(vault.unseal)
    await vault.seal()
    t.equal((await login(app)).statusCode, 200, 'within KEY_MAX_AGE')
    await until(async () => (await app.inject({ url: PATHS.jwks })).statusCode === 503)
    isUnavailable(t, await login(app))
    isUnavailable(t, await refresh(app, refreshTokenOf(signedIn)))
    isUnavailable(t, await validate(app, accessTokenOf(signedIn)))
    t.equal(await readiness(app), 'unavailable')
    t.ok((await metric(app, 'drawbridge_key_fetches_total{key="signing",outcome="failed"}')) > 0)
    await vault.unseal()
    await until(async () => (await app.inject({ url: PATHS.jwks })).statusCode === 200)
    const refreshed = await refresh(app, refreshTokenOf(signedIn))
    t.equal(refreshed.statusCode, 200)
    t.equal(refreshClaims(refreshTokenOf(refreshed)).gen, 1, 'nothing had changed')
  })

  t.test('sealed, remote: 503 at once, and no session suffers from retries', async (t) => {
    const place = await vault.place({ custody: 'remote' })
    const { app } = await startBridge(t, { ...place.settings, REFRESH_GRACE: '1' })
    const signedIn = await login(app)
    t.teardown(vault.unseal)
    await vault.seal()
    const token = refreshTokenOf(signedIn)
    // This one is not known to fail before it was tried: the session moves on.
    isUnavailable(t, await refresh(app, token))
    isUnavailable(t, await login(app))
    t.match(await validate(app, accessTokenOf(signedIn)), { statusCode: 200 })
    t.equal(
      (await app.inject({ url: PATHS.jwks })).statusCode,
      200,
      'what is public is still known',
    )
    t.equal(await readiness(app), 'unavailable')
    t.ok((await metric(app, 'drawbridge_signing_failures_total{key="signing"}')) > 0)
    // Past the grace period a repeat would spend the session's budget, and the third would end it.
    await pause(1100)
    for (let count = 0; count < 5; count++) isUnavailable(t, await refresh(app, token))
    await vault.unseal()
    await until(async () => (await readiness(app)) === 'ok')
    const refreshed = await refresh(app, token)
    t.equal(refreshed.statusCode, 200)
    t.equal(refreshClaims(refreshTokenOf(refreshed)).gen, 1)
  })

  for (const custody of CUSTODIES) {
    t.test(`restarted, ${custody}: nobody has to do anything`, async (t) => {
      const place = await vault.place({ custody })
      const keys = openKeys(t, { ...place.options, maxAge: 0.001 })
      const { kid } = headerOf(await keys.signer.sign('at+jwt', {}))
      await vault.kill()
      const began = performance.now()
      await t.rejects(keys.signer.sign('at+jwt', {}), KeysUnavailable)
      t.ok(performance.now() - began < 1000, 'told at once')
      await vault.start()
      await until(() =>
        keys.signer.ready().then(
          () => true,
          () => false,
        ),
      )
      t.equal(headerOf(await keys.signer.sign('at+jwt', {})).kid, kid)
      t.notOk(showsSecret(keys.log(), place))
    })

    t.test(`unreachable, ${custody}: a crowd of requests is no storm`, async (t) => {
      const place = await vault.place({ custody })
      const keys = openKeys(t, { ...place.options, maxAge: custody === 'fetched' ? 1 : 3600 })
      await keys.signer.sign('at+jwt', {})
      await vault.kill()
      if (custody === 'fetched') {
        await t.resolves(keys.signer.sign('at+jwt', {}), 'served from memory')
        await pause(1000)
      }
      const crowd = Array.from({ length: 200 }, () => keys.signer.sign('at+jwt', {}))
      for (const result of await Promise.allSettled(crowd)) {
        if (result.status === 'rejected' && result.reason instanceof KeysUnavailable) continue
        t.fail('it was not refused')
      }
      const failures = () =>
        keys.logged().filter(({ level, msg }) => level >= 50 && msg.startsWith('Vault gives no'))
      const before = failures().length
      for (let count = 0; count < 50; count++) await errorOf(keys.signer.sign('at+jwt', {}))
      t.ok(failures().length <= before + 1, 'asked at most once a second')
      const error = await errorOf(keys.signer.sign('at+jwt', {}))
      t.match(error, { name: 'KeysUnavailable', cause: { message: /Vault does not answer/ } })
      t.notOk(showsSecret(keys.log() + allOf(error), place))
      await vault.start()
      await until(() =>
        keys.signer.ready().then(
          () => true,
          () => false,
        ),
      )
      await t.resolves(keys.signer.sign('at+jwt', {}))
    })

    t.test(`rotated, ${custody}: published at once, signs when everybody knows`, async (t) => {
      const place = await vault.place({ custody })
      const keys = openKeys(t, { ...place.options, maxAge: 0.001 })
      const hasty = openKeys(t, { ...place.options, maxAge: 0.001, jwksMaxAge: -10_000 })
      const forgetful = openKeys(t, {
        ...place.options,
        maxAge: 0.001,
        jwksMaxAge: -10_000,
        signedFor: -5,
      })
      const before = headerOf(await keys.signer.sign('at+jwt', {})).kid
      await vault.admin.write(`${place.paths.transit}/rotate`, {})
      const [first, second, ...others] = await keys.signer.publicJwks()
      t.same([first?.kid, others], [before, []])
      t.equal(headerOf(await keys.signer.sign('at+jwt', {})).kid, before)
      t.equal(headerOf(await hasty.signer.sign('at+jwt', {})).kid, second?.kid, 'when old enough')
      t.match(await hasty.signer.publicJwks(), { length: 2 }, 'what the old one signed is good')
      t.same(await forgetful.signer.publicJwks(), [second], 'until it has expired')
      t.match(
        keys.logged().filter(({ msg }) => msg === 'signing key known'),
        [{ kid: first?.kid }, { kid: second?.kid }],
      )
    })

    t.test(`a policy too narrow, ${custody}: said so in the log, and no login storm`, async (t) => {
      const place = await vault.place({ custody })
      const narrow = place.policy
        .split('\n')
        .filter((line) => !/export|sign\//.test(line))
        .join('\n')
      await vault.admin.write(place.paths.policy, { policy: narrow })
      const keys = openKeys(t, { ...place.options, loginInterval: 3600 })
      for (let count = 0; count < 20; count++) {
        const error = await errorOf(keys.signer.sign('at+jwt', {}))
        t.match(error, KeysUnavailable)
        t.match(allOf(error), /Vault refuses (read|write) transit\/(export|sign)\S+ \(403\)/)
        t.notOk(showsSecret(allOf(error), place))
      }
      t.equal(keys.counts.loggedIn, 1)
      await vault.admin.write(place.paths.policy, { policy: place.policy })
      await until(() =>
        keys.signer.ready().then(
          () => true,
          () => false,
        ),
      )
      await t.resolves(keys.signer.sign('at+jwt', {}))
      t.notOk(showsSecret(keys.log(), place))
    })

    t.test(`a revoked token, ${custody}: one new login, and nobody notices`, async (t) => {
      const place = await vault.place({ custody })
      const keys = openKeys(t, place.options)
      await keys.signer.sign('at+jwt', {})
      await place.revokeTokens()
      if (custody === 'fetched') await t.resolves(keys.secrets.find('1'))
      const again = openKeys(t, { ...place.options, maxAge: 0.001 })
      await again.signer.sign('at+jwt', {})
      await place.revokeTokens()
      const crowd = Array.from({ length: 100 }, () => again.signer.sign('at+jwt', {}))
      t.equal((await Promise.all(crowd)).length, 100)
      t.equal(again.counts.loggedIn, 2)
    })

    t.test(`the secret id’s file gone, ${custody}: served while the token lives`, async (t) => {
      const place = await vault.place({ custody })
      const { secretIdFile } = place.options
      const keys = openKeys(t, { ...place.options, maxAge: 0.001 })
      await keys.signer.sign('at+jwt', {})
      const secretId = readFileSync(secretIdFile, 'utf8')
      rmSync(secretIdFile)
      await t.resolves(keys.signer.sign('at+jwt', {}), 'no login is needed')
      await place.revokeTokens()
      const error = await errorOf(keys.signer.sign('at+jwt', {}))
      t.match(error, KeysUnavailable)
      t.match(allOf(error), /The secret id cannot be read: ENOENT/)
      t.equal(keys.counts.loginFailed, 1)
      writeFileSync(secretIdFile, `${secretId}\n`)
      await until(() =>
        keys.signer.ready().then(
          () => true,
          () => false,
        ),
      )
      await t.resolves(keys.signer.sign('at+jwt', {}))
    })
  }

  t.test(
    'no file at the start, and a wrong secret id: clear errors without a secret',
    async (t) => {
      const place = await vault.place({ custody: 'fetched' })
      const missing = openKeys(t, { ...place.options, secretIdFile: '/nowhere/secret-id' })
      t.match(allOf(await errorOf(missing.signer.sign('at+jwt', {}))), /\/nowhere\/secret-id/)
      const stranger = openKeys(t, { ...place.options, roleId: 'nobody' })
      const error = await errorOf(stranger.signer.sign('at+jwt', {}))
      t.match(allOf(error), /Vault refuses login \(400\)/)
      for (const { log, counts } of [missing, stranger]) {
        t.notOk(showsSecret(log() + allOf(error), place))
        t.match(counts, { loginFailed: 1, fetchFailed: 1, loggedIn: 0 })
      }
    },
  )

  t.test('a token is renewed before it ends, and replaced when it cannot be', async (t) => {
    const renewed = await vault.place({
      custody: 'remote',
      role: { token_ttl: '3s', token_max_ttl: '6s' },
    })
    const batch = await vault.place({
      custody: 'remote',
      // Its end is kept in whole seconds: one of a second may be over at once.
      role: { token_ttl: '3s', token_type: 'batch' },
    })
    // A login that a refusal causes would come too late here: only what is done ahead helps.
    const bounds = { loginInterval: 3600 }
    const keys = openKeys(t, { ...renewed.options, ...bounds })
    const others = openKeys(t, { ...batch.options, ...bounds })
    await Promise.all([keys.signer.ready(), others.signer.ready()])
    const began = Date.now()
    let second = 0
    await until(async () => {
      await Promise.all([keys.signer.sign('at+jwt', {}), others.signer.sign('at+jwt', {})])
      if (keys.counts.loggedIn === 2 && second === 0) second = Date.now() - began
      return second > 0 && others.counts.loggedIn === 3
    })
    t.comment(`new login after ${second} ms`)
    t.ok(second > 3500, 'the first lease of three seconds was prolonged')
    t.same([keys.counts.signFailed, others.counts.signFailed], [0, 0])
  })

  t.test('a secret in KV that is no good does not replace one that is', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    const keys = openKeys(t, { ...place.options, pollInterval: 1 })
    const before = await keys.secrets.current()
    await vault.admin.write(place.paths.kv, { data: { current: '2', keys: { 2: 'c2hvcnQ=' } } })
    await until(() => Promise.resolve(keys.counts.fetchFailed > 0))
    t.equal(await keys.secrets.current(), before)
    t.match(
      keys.logged().find(({ level }) => level === 50)?.err?.message,
      'The key 2 in KV is shorter than 32 bytes.',
    )
    await t.rejects(
      keys.secrets.find('2'),
      KeysUnavailable,
      'no one is signed out for a key that this bridge cannot know',
    )
  })
})
