/** The second key, for RS256 ID tokens, in a real Vault. */
import type { FastifyInstance } from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { test } from 'tap'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { KeysUnavailable, type Signer } from '../../src/keys/port.ts'
import { ISSUER, login, startBridge } from '../helper.ts'
import { headerOf } from '../jws.ts'
import { openKeys, showsSecret, startVault, type WatchedKeys } from '../openbao.ts'
import { client, post, redemptionFor, registering } from '../registered-clients.ts'
import { until } from '../until.ts'

const CUSTODIES = ['fetched', 'remote'] as const

const CLIENTS = [
  client({ client_id: 'rs-app', id_token_signed_response_alg: 'RS256' }),
  client({ client_id: 'es-app', id_token_signed_response_alg: 'ES256' }),
  client({ client_id: 'an-app' }),
]

const signsIn = async (app: FastifyInstance, client_id: string) => {
  const redemption = await redemptionFor(app, client_id, { scope: 'openid odoo.read' })
  return post(app, PATHS.token, redemption)
}

const jwksOf = async (app: FastifyInstance) =>
  (await app.inject({ url: PATHS.jwks })).json<{ keys: { kid: string; alg: string }[] }>()

const metric = async (app: FastifyInstance, line: string): Promise<number> => {
  const { body } = await app.inject({ url: '/metrics' })
  const found = body.split('\n').find((one) => one.startsWith(`${line} `))
  return Number(found?.split(' ').at(-1) ?? 0)
}

function idTokenSignerOf({ idTokenSigner }: WatchedKeys): Signer {
  if (!idTokenSigner) throw new Error('There is no key for ID tokens.')
  return idTokenSigner
}

test('the key for RS256 ID tokens', async (t) => {
  const vault = await startVault(t)

  for (const custody of CUSTODIES) {
    t.test(`${custody}: each client gets its algorithm, and jose verifies it`, async (t) => {
      const place = await vault.place({ custody, idTokenType: 'rsa-2048' })
      const { app } = await startBridge(t, { ...place.settings, ...registering(t, ...CLIENTS) })
      const published = createLocalJWKSet(await jwksOf(app))
      for (const [audience, alg] of [
        ['rs-app', 'RS256'],
        ['es-app', 'ES256'],
        ['an-app', 'ES256'],
      ] as const) {
        const { id_token = '' } = (await signsIn(app, audience)).json<OAuthTokenResponse>()
        const expected = { algorithms: [alg], issuer: ISSUER, audience, typ: 'JWT' }
        await t.resolves(jwtVerify(id_token, published, expected), audience)
      }
      t.equal(await metric(app, 'drawbridge_key_fetches_total{key="id_token",outcome="ok"}'), 1)
    })

    t.test(`${custody}: published before it signs, and as long as what it signed`, async (t) => {
      const place = await vault.place({ custody, idTokenType: 'rsa-2048' })
      const options = { ...place.options, maxAge: 0.001 }
      const keys = openKeys(t, options)
      const patient = idTokenSignerOf(keys)
      const hasty = idTokenSignerOf(openKeys(t, { ...options, jwksMaxAge: -10_000 }))
      const forgetful = idTokenSignerOf(
        openKeys(t, { ...options, jwksMaxAge: -10_000, signedFor: -5 }),
      )
      const before = headerOf(await patient.sign('JWT', {})).kid
      await vault.admin.write(`${place.paths.idTokenTransit}/rotate`, {})
      const [first, second, ...others] = await patient.publicJwks()
      t.same([first?.kid, others], [before, []])
      t.equal(headerOf(await patient.sign('JWT', {})).kid, before, 'others may not know it yet')
      t.equal(headerOf(await hasty.sign('JWT', {})).kid, second?.kid, 'once they do')
      t.match(await hasty.publicJwks(), { length: 2 }, 'what the old one signed is good')
      t.same(await forgetful.publicJwks(), [second], 'until it has expired')
      t.equal((await keys.signer.publicJwks()).length, 1, 'the other key did not move')
      t.match(
        keys.logged().filter(({ msg, key }) => msg === 'signing key known' && key === 'id_token'),
        [{ kid: first?.kid }, { kid: second?.kid }],
      )
    })

    t.test(`${custody}: broken, it is the loss of those alone who use it`, async (t) => {
      const place = await vault.place({ custody, idTokenType: 'rsa-2048' })
      const without = place.policy
        .split('\n')
        .filter((line) => !line.includes('-id-token'))
        .join('\n')
      await vault.admin.write(place.paths.policy, { policy: without })
      const settings = { ...place.settings, ...registering(t, ...CLIENTS), KEY_POLL_INTERVAL: '1' }
      const { app } = await startBridge(t, settings)
      for (const id of ['es-app', 'an-app']) t.equal((await signsIn(app, id)).statusCode, 200, id)
      t.equal((await login(app)).statusCode, 200)
      const refused = await signsIn(app, 'rs-app')
      t.equal(refused.statusCode, 503)
      t.match(refused.json(), { error: 'keys_unavailable' })
      t.match(await jwksOf(app), { keys: { length: 1 } })
      const ready = await app.inject({ url: '/readyz' })
      t.match(ready.json(), { keys: 'ok' }, 'nobody takes this bridge away')
      const failed = 'drawbridge_key_fetches_total{key="id_token",outcome="failed"}'
      t.ok((await metric(app, failed)) > 0)
      t.equal(await metric(app, 'drawbridge_key_fetches_total{key="signing",outcome="failed"}'), 0)
      await vault.admin.write(place.paths.policy, { policy: place.policy })
      await until(async () => (await jwksOf(app)).keys.length === 2)
      t.equal((await signsIn(app, 'rs-app')).statusCode, 200, 'nobody has to do anything')
    })
  }

  t.test('of another type it is not used, and the log says so', async (t) => {
    const place = await vault.place({ custody: 'remote', idTokenType: 'ecdsa-p256' })
    const keys = openKeys(t, place.options)
    await t.resolves(keys.signer.sign('at+jwt', {}))
    await t.rejects(idTokenSignerOf(keys).sign('JWT', {}), KeysUnavailable)
    t.match(
      keys.logged().find(({ level }) => level === 50),
      { key: 'id_token', err: { message: /-id-token must be of type rsa-2048/ } },
    )
    t.notOk(showsSecret(keys.log(), place))
  })
})
