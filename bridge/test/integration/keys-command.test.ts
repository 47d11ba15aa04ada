import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import {
  accessTokenOf,
  ageChecks,
  login,
  refresh,
  refreshTokenOf,
  startBridge,
  validate,
} from '../helper.ts'
import { headerOf } from '../jws.ts'
import { openKeys, startVault, type Place, type TestVault } from '../openbao.ts'
import { until } from '../until.ts'

const COMMAND = join(import.meta.dirname, '../../src/keys-command.ts')

interface Run {
  exitCode: number
  output: string
  errors: string
}

/** As an operator runs it. */
const run = (
  vault: TestVault,
  place: Place,
  command: string,
  environment: Record<string, string> = {},
): Promise<Run> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env['PATH'],
      VAULT_ADDR: vault.address,
      VAULT_TOKEN: vault.rootToken,
      VAULT_TRANSIT_KEY: place.options.transitKey,
      ...(place.options.transitIdTokenKey === undefined
        ? {}
        : { VAULT_TRANSIT_ID_TOKEN_KEY: place.options.transitIdTokenKey }),
      VAULT_KV_PATH: place.options.kvPath,
      KEY_POLL_INTERVAL: '1',
      ...environment,
    }
    execFile(
      process.execPath,
      [COMMAND, ...command.split(' ')],
      { env },
      (error, output, errors) => {
        resolve({ exitCode: Number(error?.code ?? 0), output, errors })
      },
    )
  })

const succeeds = async (t: Test, ...parameters: Parameters<typeof run>): Promise<void> => {
  const { exitCode, output, errors } = await run(...parameters)
  t.equal(exitCode, 0, errors)
  t.match(output, /^Made .+ within \d+ s|^Made .+ after it was made/)
}

const verdict = async (app: Parameters<typeof validate>[0], token: string) =>
  (await validate(app, token)).json<{ status: string }>().status

/** Refreshes a session until it is over. */
const untilOver = (app: Parameters<typeof refresh>[0], token: string): Promise<void> => {
  let presented = token
  return until(async () => {
    const response = await refresh(app, presented)
    presented = refreshTokenOf(response)
    return response.statusCode === 401
  })
}

interface KvAnswer {
  data: { data: { current: string; keys: Record<string, string> } }
}

test('what an operator does to the keys', async (t) => {
  const vault = await startVault(t)

  for (const custody of ['fetched', 'remote'] as const) {
    t.test(
      `a stolen signing key, ${custody}: gone with all it signed by the next poll`,
      async (t) => {
        const place = await vault.place({ custody })
        const { app } = await startBridge(t, { ...place.settings, KEY_POLL_INTERVAL: '1' })
        // Two that a rotation left published, one of them in turn: both may be stolen.
        await vault.admin.write(`${place.paths.transit}/rotate`, {})
        const signedIn = await login(app)
        const stolen = accessTokenOf(signedIn)
        t.equal(await verdict(app, stolen), 'Valid')
        await succeeds(t, vault, place, 'compromise signing --yes')
        await until(async () => (await verdict(app, stolen)) === 'Invalid')
        const { keys } = (await app.inject({ url: PATHS.jwks })).json<{ keys: { kid: string }[] }>()
        t.equal(keys.length, 1)
        const refreshed = await refresh(app, refreshTokenOf(signedIn))
        t.equal(refreshed.statusCode, 200, 'sessions go on')
        t.equal(headerOf(accessTokenOf(refreshed)).kid, keys[0]?.kid, 'no wait for the new key')
        t.equal(await verdict(app, accessTokenOf(refreshed)), 'Valid')
      },
    )
  }

  t.test('remote: a destroyed version is noticed by the signature that is refused', async (t) => {
    const place = await vault.place({ custody: 'remote' })
    const keys = openKeys(t, place.options)
    const before = headerOf(await keys.signer.sign('at+jwt', {})).kid
    await succeeds(t, vault, place, 'compromise signing --yes')
    const crowd = Array.from({ length: 300 }, () => keys.signer.sign('at+jwt', {}))
    const kids = new Set((await Promise.all(crowd)).map((token) => headerOf(token).kid))
    t.equal(kids.size, 1)
    t.notOk(kids.has(before))
    t.equal(keys.counts.fetched, 2, 'looked once')
  })

  t.test('stolen keys for refresh tokens: all sessions are over by the next poll', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    const { app } = await startBridge(t, { ...place.settings, KEY_POLL_INTERVAL: '1' })
    const token = refreshTokenOf(await login(app))
    await succeeds(t, vault, place, 'compromise refresh --yes')
    await untilOver(app, token)
    const { data } = ((await vault.admin.read(place.paths.kv)) as KvAnswer).data
    t.same(Object.keys(data.keys), [data.current])
    const signedIn = await login(app)
    t.equal(headerOf(refreshTokenOf(signedIn)).kid, data.current)
    t.equal((await refresh(app, refreshTokenOf(signedIn))).statusCode, 200)
  })

  t.test('stolen keys for refresh tokens: no way out by a refresh that is under way', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    const settings = { ...place.settings, KEY_POLL_INTERVAL: '1', ODOO_TIMEOUT: '60' }
    const { app, odoo, files } = await startBridge(t, settings)
    const shown = refreshTokenOf(await login(app))
    // Odoo has to be asked about this session first, and takes its time.
    ageChecks(files.sqlite, 3600)
    const other = refreshTokenOf(await login(app))
    const { promise, resolve } = Promise.withResolvers<undefined>()
    odoo.hold = { path: /session\/check/, until: promise }
    const asked = odoo.called()
    const underWay = refresh(app, shown)
    await asked
    await succeeds(t, vault, place, 'compromise refresh --yes')
    await untilOver(app, other)
    odoo.hold = undefined
    resolve(undefined)
    const answer = await underWay
    t.equal(answer.statusCode, 401)
    t.notOk(refreshTokenOf(answer), 'nor a token by the new key')
  })

  t.test(
    'rotated keys for refresh tokens: no one is signed out, old ones go in time',
    async (t) => {
      const place = await vault.place({ custody: 'fetched' })
      const stored = async () => ((await vault.admin.read(place.paths.kv)) as KvAnswer).data.data
      const keys = openKeys(t, { ...place.options, maxAge: 0.001 })
      await succeeds(t, vault, place, 'rotate refresh')
      const rotated = await stored()
      const { current } = rotated
      t.equal((await keys.secrets.current()).kid, '1', 'others may not know the new one yet')
      t.ok(await keys.secrets.find(current), 'where one knows it, it is good at once')
      const longAgo = { ...rotated, created_at: { [current]: '2026-01-01T00:00:00Z' } }
      await vault.admin.write(place.paths.kv, { data: longAgo })
      t.equal((await keys.secrets.current()).kid, current, 'once they do, it signs')
      t.ok(await keys.secrets.find('1'), 'what the old one signed is good')
      await succeeds(t, vault, place, 'rotate refresh', { REFRESH_ABSOLUTE_TTL: '315360000' })
      t.match(
        Object.keys((await stored()).keys),
        { length: 3 },
        'all are kept for the longest life',
      )
      await succeeds(t, vault, place, 'rotate refresh', { REFRESH_ABSOLUTE_TTL: '3600' })
      const { keys: left } = await stored()
      t.equal(left['1'], undefined, 'replaced longer ago than that')
      t.equal(Object.keys(left).length, 3)
    },
  )

  t.test('the key for ID tokens: rotated and destroyed without the other one', async (t) => {
    const place = await vault.place({ custody: 'fetched', idTokenType: 'rsa-2048' })
    const { transit, idTokenTransit } = place.paths
    const versions = async (path: string) =>
      Object.keys(((await vault.admin.read(path)) as { data: { keys: object } }).data.keys)
    await succeeds(t, vault, place, 'rotate id-token')
    t.same([await versions(transit), await versions(idTokenTransit)], [['1'], ['1', '2']])
    const unconfirmed = await run(vault, place, 'compromise id-token')
    t.equal(unconfirmed.exitCode, 1)
    t.match(unconfirmed.errors, /Nobody is signed out.*Nothing was done.*--yes/s)
    await succeeds(t, vault, place, 'compromise id-token --yes')
    t.same([await versions(transit), await versions(idTokenTransit)], [['1'], ['3']])
  })

  t.test('nothing happens by accident, and mistakes are told in a line', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    const before = (await vault.admin.read(place.paths.kv)) as KvAnswer
    const versions = async () =>
      Object.keys(
        ((await vault.admin.read(place.paths.transit)) as { data: { keys: object } }).data.keys,
      )
    const wrong: [string, Record<string, string>, RegExp][] = [
      ['compromise signing', {}, /Nothing was done.*--yes/s],
      ['compromise refresh', {}, /Everybody is signed out.*Nothing was done/s],
      ['compromise', {}, /^Usage/],
      ['compromise everything --yes', {}, /^Usage/],
      ['compromise signing --no', {}, /^Usage/],
      ['compromise id-token --yes', {}, /^VAULT_TRANSIT_ID_TOKEN_KEY is not set/],
      ['rotate signing', { VAULT_TOKEN: '' }, /VAULT_TOKEN/],
      ['rotate signing', { VAULT_TOKEN: 's.nobody' }, /^Vault refuses write .*\(403\)/],
      ['rotate signing', { VAULT_ADDR: 'http://127.0.0.1:9' }, /^Vault does not answer/],
    ]
    for (const [command, environment, expected] of wrong) {
      const { exitCode, errors } = await run(vault, place, command, environment)
      t.equal(exitCode, 1, command)
      t.match(errors, expected)
      t.notMatch(errors, /\bat .*:\d+:\d+/, 'no stack')
      t.notMatch(errors, vault.rootToken)
    }
    t.match(await vault.admin.read(place.paths.kv), { data: before.data })
    t.same(await versions(), ['1'])
    await succeeds(t, vault, place, 'rotate signing')
    t.same(await versions(), ['1', '2'])
  })
})
