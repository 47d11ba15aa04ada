/** The module of the certification profile "Config OP": what the bridge says of itself. */
import { test } from 'tap'
import { importJWK } from 'jose'
import { ISSUER, startRelyingParty } from '../relying-party.ts'

/** @see RFC 7518 §6.2.2, §6.3.2, §6.4 */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

test('oidcc-discovery-endpoint-verification', async (t) => {
  const { app, metadata, jwks } = await startRelyingParty(t)
  const answer = await app.inject({ url: '/.well-known/openid-configuration' })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^application\/json/)
  t.equal(metadata['issuer'], ISSUER)

  const list = (member: string): string[] => {
    const values = metadata[member]
    if (!Array.isArray(values)) throw new Error(`${member} is no list.`)
    return values as string[]
  }
  for (const [member, value] of [
    ['response_types_supported', 'code'],
    ['response_modes_supported', 'query'],
    ['subject_types_supported', 'public'],
    ['id_token_signing_alg_values_supported', 'RS256'],
    ['grant_types_supported', 'authorization_code'],
    ['scopes_supported', 'openid'],
    ['claims_supported', 'sub'],
    ['code_challenge_methods_supported', 'S256'],
    ['token_endpoint_auth_methods_supported', 'client_secret_basic'],
    ['token_endpoint_auth_methods_supported', 'client_secret_post'],
  ] as const) {
    t.ok(list(member).includes(value), member)
  }
  t.notOk(list('id_token_signing_alg_values_supported').includes('none'))
  for (const scope of list('scopes_supported')) t.match(scope, /^[\x21\x23-\x5b\x5d-\x7e]+$/)
  for (const locale of list('ui_locales_supported')) {
    t.equal(Intl.getCanonicalLocales(locale)[0], locale)
  }
  // What stands for yes where it is left out has to be said.
  t.equal(metadata['request_uri_parameter_supported'], false)
  t.equal(metadata['request_parameter_supported'], false)
  t.equal(metadata['claims_parameter_supported'], true)

  const required = ['authorization', 'token', 'userinfo', 'end_session']
  for (const name of required) t.ok(metadata[`${name}_endpoint`], name)
  for (const [member, value] of Object.entries(metadata)) {
    if (member.endsWith('_endpoint') || member === 'jwks_uri') {
      t.match(value, `${ISSUER}/`, member)
    }
    t.ok(value !== null && value !== '', `${member} says something`)
  }

  t.equal(new Set(jwks.keys.map(({ kid }) => kid)).size, jwks.keys.length)
  for (const jwk of jwks.keys) {
    t.match(jwk, { kid: /.+/, use: 'sig' })
    t.same(
      Object.keys(jwk).filter((member) => PRIVATE_MEMBERS.includes(member)),
      [],
    )
    t.ok(await importJWK(jwk), 'a key of the kind that it says')
  }
  const algorithms = new Set(jwks.keys.map(({ alg }) => alg))
  t.same([...algorithms].sort(), [...list('id_token_signing_alg_values_supported')].sort())
})
