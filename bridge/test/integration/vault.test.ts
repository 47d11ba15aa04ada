import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import nodeVault from 'node-vault'
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { KeysUnavailable } from '../../src/keys/port.ts'
import { vaultKeys, type VaultOptions } from '../../src/keys/vault.ts'
import { headerOf, isSignedBy } from '../jws.ts'
import { unobserved } from '../key-events.ts'

const { vault } = readStack().inside
const { root_token } = JSON.parse(readFileSync(vault.initFile, 'utf8')) as { root_token: string }
const admin = nodeVault({ endpoint: vault.address, token: root_token })
const { log } = Fastify()

const options: VaultOptions = {
  custody: 'fetched',
  address: vault.address,
  roleId: vault.roleId,
  secretIdFile: vault.secretIdFile,
  transitMount: 'transit',
  transitKey: vault.transitKey,
  kvMount: 'secret',
  kvPath: vault.kvPath,
  pollInterval: 3600,
  maxAge: 3600,
  jwksMaxAge: 300,
  signedFor: 600,
  loginInterval: 0,
  events: unobserved,
  log,
}

test('A1, A1.1: the key comes out of Vault over AppRole, and signs', async (t) => {
  const keys = vaultKeys(options)
  t.teardown(keys.close)
  const token = await keys.signer.sign('at+jwt', { sub: '6' })
  const { kid, alg, typ } = headerOf(token)
  t.same([alg, typ], ['ES256', 'at+jwt'])
  const jwk = (await keys.signer.publicJwks()).find((key) => key.kid === kid)
  if (!jwk) throw new Error('The key that signed is not published.')
  t.ok(isSignedBy(token, jwk))
  t.ok((await keys.secrets.current()).secret.length >= 32)
})

test('two bridges agree on every key', async (t) => {
  const bridges = [vaultKeys(options), vaultKeys(options)]
  t.teardown(() => {
    for (const { close } of bridges) close()
  })
  const [first, second] = await Promise.all(bridges.map(({ signer }) => signer.publicJwks()))
  t.same(first, second)
})

test('the policy lets the bridge read its keys and nothing else', async (t) => {
  const bridge = nodeVault({ endpoint: vault.address })
  const secret_id = readFileSync(vault.secretIdFile, 'utf8').trim()
  await bridge.approleLogin({ role_id: vault.roleId, secret_id })
  await t.resolves(bridge.read(`transit/keys/${vault.transitKey}`))
  const forbidden = [
    bridge.write(`transit/keys/${vault.transitKey}/rotate`, {}),
    bridge.write(`transit/keys/${vault.transitKey}/config`, { min_decryption_version: 1 }),
    bridge.read(`transit/export/encryption-key/${vault.transitKey}`),
    bridge.write(`secret/data/${vault.kvPath}`, { data: {} }),
    bridge.list('secret/metadata/'),
    bridge.read('sys/policies/acl/bridge'),
  ]
  for (const attempt of await Promise.allSettled(forbidden)) {
    t.match(attempt, { status: 'rejected', reason: { response: { statusCode: 403 } } })
  }
})

test('a token that was revoked: the bridge signs in anew', async (t) => {
  const keys = vaultKeys({ ...options, maxAge: 0.001 })
  t.teardown(keys.close)
  await keys.secrets.current()
  const { data } = (await admin.list('auth/token/accessors')) as { data: { keys: string[] } }
  for (const accessor of data.keys) {
    const { data: token } = (await admin.write('auth/token/lookup-accessor', { accessor })) as {
      data: { path: string }
    }
    if (token.path === 'auth/approle/login') {
      await admin.write('auth/token/revoke-accessor', { accessor })
    }
  }
  await t.resolves(keys.secrets.current())
})

test('a new version is published at once and signs later', async (t) => {
  const name = 'rotation-test'
  await admin.write(`transit/keys/${name}`, { type: 'ecdsa-p256', exportable: true })
  await admin.write('sys/policies/acl/rotation-test', {
    policy: `path "transit/keys/${name}" { capabilities = ["read"] }
      path "transit/export/signing-key/${name}" { capabilities = ["read"] }
      path "secret/data/${vault.kvPath}" { capabilities = ["read"] }`,
  })
  await admin.write('auth/approle/role/rotation-test', { token_policies: 'rotation-test' })
  const role = (await admin.read('auth/approle/role/rotation-test/role-id')) as {
    data: { role_id: string }
  }
  const secret = (await admin.write('auth/approle/role/rotation-test/secret-id', {})) as {
    data: { secret_id: string }
  }
  const folder = t.testdir({ 'secret-id': secret.data.secret_id })
  const own = {
    ...options,
    transitKey: name,
    roleId: role.data.role_id,
    secretIdFile: join(folder, 'secret-id'),
    maxAge: 0.001,
  }
  const patient = vaultKeys(own)
  const hasty = vaultKeys({ ...own, jwksMaxAge: -10_000 })
  t.teardown(() => {
    patient.close()
    hasty.close()
  })
  const [first] = await patient.signer.publicJwks()
  await admin.write(`transit/keys/${name}/rotate`, {})
  const published = await patient.signer.publicJwks()
  t.equal(published.length, 2, 'next and current')
  t.equal(published[0]?.kid, first?.kid)
  t.equal(headerOf(await patient.signer.sign('at+jwt', {})).kid, first?.kid)
  t.equal(
    headerOf(await hasty.signer.sign('at+jwt', {})).kid,
    published[1]?.kid,
    'once it is old enough',
  )
})

test('no Vault, no keys: a clear error without a secret in it', async (t) => {
  const unreachable = vaultKeys({ ...options, address: 'http://127.0.0.1:9' })
  t.teardown(unreachable.close)
  const refused = vaultKeys({ ...options, roleId: 'nobody' })
  t.teardown(refused.close)
  for (const keys of [unreachable, refused]) {
    const error = (await keys.signer.sign('at+jwt', {}).catch((caught: unknown) => caught)) as Error
    t.ok(error instanceof KeysUnavailable)
    const { cause } = error
    const text = JSON.stringify(cause, Object.getOwnPropertyNames(cause))
    t.notMatch(text, readFileSync(vault.secretIdFile, 'utf8').trim())
  }
})
