import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import nodeVault from 'node-vault'
import { test, type Test } from 'tap'
import { createAccessTokens } from '../../src/tokens/access-token.ts'
import { headerOf, isSignedBy } from '../jws.ts'
import { openKeys, policyFor, showsSecret, startVault, transitPolicyFor } from '../openbao.ts'
import { newSession } from '../session-store.ts'

/** Stands before Vault and writes down what passes. */
async function countRequests(t: Test, address: string) {
  const requests: string[] = []
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`)
    const { method, headers } = incoming
    const forwarded = request(
      address + (incoming.url ?? ''),
      { method: method ?? 'GET', headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      },
    )
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}`, requests }
}

test('keys in Vault', async (t) => {
  const vault = await startVault(t)

  for (const custody of ['fetched', 'remote'] as const) {
    for (const [type, alg] of [
      ['ecdsa-p256', 'ES256'],
      ['rsa-2048', 'RS256'],
      ['rsa-3072', 'RS256'],
    ] as const) {
      t.test(`${custody}, ${type}: signs ${alg}, and all that it signs verifies`, async (t) => {
        const place = await vault.place({ custody, type })
        const keys = openKeys(t, place.options)
        const [jwk] = await keys.signer.publicJwks()
        if (!jwk) throw new Error('No key is published.')
        t.match(jwk, { alg, use: 'sig', kid: /^[\w-]{43}$/ })
        t.notOk('d' in jwk)
        const claims = Array.from({ length: 30 }, (_, number) => ({ sub: String(number), iat: 1 }))
        const tokens = await Promise.all(claims.map((one) => keys.signer.sign('at+jwt', one)))
        tokens.forEach((token, index) => {
          t.same(headerOf(token), { alg, typ: 'at+jwt', kid: jwk.kid })
          const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
          t.same(JSON.parse(payload), claims[index], 'each gets its own')
          t.ok(isSignedBy(token, jwk))
        })
        t.equal(keys.counts.signed, 30)
        const accessTokens = createAccessTokens(keys.signer, 'https://id.example.com', 600)
        const session = newSession()
        const token = await accessTokens.mint(session, Date.now())
        t.match(await accessTokens.verify(token, session.audience), { status: 'Valid' })
        t.notOk(showsSecret(keys.log(), place))
      })
    }
  }

  t.test('fetched and remote publish the same of one key', async (t) => {
    const place = await vault.place({ custody: 'fetched' })
    await vault.admin.write(place.paths.policy, {
      policy: `${place.policy}
        path "transit/sign/${place.options.transitKey}/sha2-256" { capabilities = ["update"] }`,
    })
    const custodies = [
      openKeys(t, place.options),
      openKeys(t, { ...place.options, custody: 'remote' }),
    ]
    const [first, second] = await Promise.all(custodies.map(({ signer }) => signer.publicJwks()))
    t.same(first, second)
  })

  t.test('what arrives together is one request', async (t) => {
    const place = await vault.place({ custody: 'remote' })
    const proxy = await countRequests(t, vault.address)
    const keys = openKeys(t, { ...place.options, address: proxy.address })
    await keys.signer.publicJwks()
    proxy.requests.length = 0
    const began = performance.now()
    await Promise.all(Array.from({ length: 400 }, () => keys.signer.sign('at+jwt', {})))
    t.comment(`400 signatures: ${(performance.now() - began).toFixed(0)} ms`)
    const sign = `POST /v1/transit/sign/${place.options.transitKey}/sha2-256`
    t.same(proxy.requests, [sign, sign], '200 at most in one')
  })

  t.test('the policies of the tests are those of the documentation', async (t) => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/keys.md'), 'utf8')
    for (const custody of ['fetched', 'remote'] as const) {
      t.ok(page.includes(policyFor(custody, 'drawbridge')), custody)
      t.ok(page.includes(transitPolicyFor(custody, 'drawbridge-id-token')), custody)
    }
  })

  t.test('the policies let a bridge do what it must and nothing else', async (t) => {
    for (const custody of ['fetched', 'remote'] as const) {
      const place = await vault.place({ custody })
      const keys = openKeys(t, place.options)
      await t.resolves(keys.signer.sign('at+jwt', {}))
      await t.resolves(keys.secrets.current())
      const { roleId, transitKey: name } = place.options
      const bridge = nodeVault({ endpoint: vault.address })
      await bridge.approleLogin({ role_id: roleId, secret_id: place.secretId })
      const forbidden = [
        bridge.write(`${place.paths.transit}/rotate`, {}),
        bridge.write(`${place.paths.transit}/config`, { exportable: true }),
        bridge.write(`${place.paths.transit}/trim`, { min_available_version: 1 }),
        bridge.write(place.paths.kv, { data: {} }),
        bridge.read(`transit/export/encryption-key/${name}`),
        bridge.read(place.paths.policy),
        custody === 'remote'
          ? bridge.read(`transit/export/signing-key/${name}`)
          : bridge.write(`transit/sign/${name}/sha2-256`, { input: 'AAAA' }),
      ]
      for (const attempt of await Promise.allSettled(forbidden)) {
        t.match(attempt, { status: 'rejected', reason: { response: { statusCode: 403 } } }, custody)
      }
    }
  })
})
