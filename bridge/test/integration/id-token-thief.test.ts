/** Who has the key for ID tokens gets in nowhere: shown at the stack's real gate and Odoo. */
import { readFileSync } from 'node:fs'
import nodeVault from 'node-vault'
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { TRANSIT_ID_TOKEN_KEY } from '../../../e2e/stack/parts/openbao.ts'
import { PATHS, type TokenResponse } from '../../src/contract/index.ts'
import type { PublicJwk } from '../../src/keys/port.ts'
import { SAME_ORIGIN } from '../helper.ts'
import { isSignedBy } from '../jws.ts'

const { issuer, accounts, inside } = readStack()
const { root_token } = JSON.parse(readFileSync(inside.vault.initFile, 'utf8')) as {
  root_token: string
}
const admin = nodeVault({ endpoint: inside.vault.address, token: root_token })

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What a thief of a transit key signs. */
async function signedBy(key: string, jwk: PublicJwk, typ: string, payload: string) {
  const input = `${encode({ alg: jwk.alg, typ, kid: jwk.kid })}.${payload}`
  const { data } = (await admin.write(`transit/sign/${key}/sha2-256`, {
    input: Buffer.from(input).toString('base64'),
    marshaling_algorithm: 'jws',
    ...(jwk.alg === 'RS256' ? { signature_algorithm: 'pkcs1v15' } : {}),
  })) as { data: { signature: string } }
  return `${input}.${data.signature.split(':')[2] ?? ''}`
}

test('neither the gate, nor Odoo, nor the bridge takes what the key for ID tokens signed', async (t) => {
  const signedIn = await fetch(issuer + PATHS.login, {
    method: 'POST',
    headers: { ...SAME_ORIGIN, 'content-type': 'application/json' },
    body: JSON.stringify(accounts.demo),
  })
  const { access_token } = (await signedIn.json()) as TokenResponse
  const [, payload = ''] = access_token.split('.')
  const published = await fetch(issuer + PATHS.jwks)
  const { keys } = (await published.json()) as { keys: PublicJwk[] }
  const main = keys.find(({ drawbridge_signs }) => drawbridge_signs === undefined)
  const second = keys.find(({ drawbridge_signs }) => drawbridge_signs === 'id_token')
  if (!main || !second) throw new Error('There are not two keys.')

  const doors = (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return Promise.all([
      fetch(issuer + PATHS.protectedData, { headers }),
      fetch(`${inside.odooUrl}/json/2/res.partner/search_count`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{"domain": []}',
      }),
      fetch(issuer + PATHS.userinfo, { headers }),
    ])
  }
  const { transitKey } = inside.vault
  const own = await signedBy(transitKey, main, 'at+jwt', payload)
  // The PWA's sessions are without `openid`: userinfo knows the token, and says that.
  t.same(
    (await doors(own)).map(({ status }) => status),
    [200, 200, 403],
    'the same claims by the signing key are taken',
  )
  const forged = await signedBy(TRANSIT_ID_TOKEN_KEY, second, 'at+jwt', payload)
  t.ok(isSignedBy(forged, second), 'the signature is good')
  for (const [what, token] of Object.entries({
    'an access token by the key for ID tokens': forged,
    'an ID token by it': await signedBy(TRANSIT_ID_TOKEN_KEY, second, 'JWT', payload),
    'an ID token by the signing key': await signedBy(transitKey, main, 'JWT', payload),
    'one that names the other key': await signedBy(
      TRANSIT_ID_TOKEN_KEY,
      { ...second, kid: main.kid },
      'at+jwt',
      payload,
    ),
  })) {
    for (const answer of await doors(token)) {
      t.equal(answer.status, 401, `${what}: ${answer.url}`)
      t.match(answer.headers.get('www-authenticate'), /error="invalid_token"/)
      await answer.body?.cancel()
    }
  }
})
