/** PROVIDERS_FILE: what may stand there, and how it is said what is wrong. */
import { join } from 'node:path'
import { test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { parseProviders, readProviders } from '../../src/providers/settings.ts'
import { GATE_CREDENTIAL } from '../helper.ts'
import { BY_EMAIL, BY_UID, folderOf } from '../openid-sign-in.ts'

const ENTRY = {
  id: 'example',
  name: 'Example',
  issuer: 'https://id.example.com',
  client_id: 'drawbridge',
  client_secret_file: '/run/secrets/example',
}

test('a provider by either rule, with what is left out filled in', (t) => {
  t.same(parseProviders([{ ...ENTRY, ...BY_EMAIL }]), [
    {
      id: 'example',
      name: 'Example',
      issuer: 'https://id.example.com',
      clientId: 'drawbridge',
      clientSecretFile: '/run/secrets/example',
      scope: 'openid email',
      match: { by: 'email', domains: ['example.com'] },
      skipsSecondFactor: false,
    },
  ])
  const [other] = parseProviders([{ ...ENTRY, ...BY_UID, scope: 'openid', mfa: 'skip' }])
  t.match(other, {
    scope: 'openid',
    match: { by: 'oauth_uid', oauthProviderId: 3 },
    skipsSecondFactor: true,
  })
  t.same(parseProviders([]), [])
  t.end()
})

test('every wrong member is named, with what it should be', (t) => {
  const wrong: [object, RegExp][] = [
    [{ id: 'odoo' }, /Provider 1 of PROVIDERS_FILE: id: expected .*not "odoo"/],
    [{ id: 'Example' }, /id: expected/],
    [{ id: 'a'.repeat(33) }, /id: expected/],
    [{ id: '../x' }, /id: expected/],
    [{ name: '' }, /name: expected/],
    [{ name: 'a\nb' }, /name: expected/],
    [{ issuer: 'http://id.example.com' }, /issuer: expected an https address/],
    [{ issuer: 'http://127.0.0.1.example.com' }, /issuer: expected/],
    [{ issuer: 'http://localhost@evil.example' }, /issuer: expected/],
    [{ issuer: 'https://id.example.com/?a=b' }, /issuer: expected/],
    [{ issuer: 'https://id.example.com:port' }, /issuer: expected/],
    [{ issuer: 'javascript:alert(1)' }, /issuer: expected/],
    [{ client_id: '' }, /client_id: expected/],
    [{ client_secret_file: undefined }, /client_secret_file: expected path of the file/],
    [{ client_secret: 'here' }, /client_secret: no such setting/],
    [{ scope: 'email' }, /scope: expected .*openid/],
    [{ scope: 'xopenid email' }, /scope: expected/],
    [{ match: 'login' }, /match: expected oauth_uid or email/],
    [{ match: undefined }, /match: expected/],
    [{ email_domains: undefined }, /email_domains: expected .*\(match email\)/],
    [{ email_domains: [] }, /email_domains: expected/],
    [{ email_domains: ['*'] }, /email_domains: expected/],
    [{ email_domains: ['com'] }, /email_domains: expected/],
    [{ email_domains: ['Example.com'] }, /email_domains: expected domains in lower case/],
    [{ email_domains: ['@example.com'] }, /email_domains: expected/],
    [{ oauth_provider_id: 3 }, /oauth_provider_id: expected only with match oauth_uid/],
    [{ mfa: 'never' }, /mfa: expected default or skip/],
    [{ macth: 'email' }, /macth: no such setting/],
    [{ name: 1, scope: 1 }, /name: expected .*; scope: expected/],
  ]
  for (const [changes, words] of wrong) {
    const entry = JSON.parse(JSON.stringify({ ...ENTRY, ...BY_EMAIL, ...changes })) as unknown
    t.throws(() => parseProviders([entry]), { message: words }, JSON.stringify(changes))
  }
  for (const oauth_provider_id of [undefined, 0, 1.5, '3', 2 ** 31]) {
    const entry = { ...ENTRY, match: 'oauth_uid', oauth_provider_id }
    t.throws(() => parseProviders([JSON.parse(JSON.stringify(entry))]), {
      message: /oauth_provider_id: expected the id of Odoo's record/,
    })
  }
  t.throws(() => parseProviders({}), { message: /must hold a JSON array/ })
  t.throws(() => parseProviders(['x']), { message: /Provider 1 .* expected a JSON object/ })
  const twice = { ...ENTRY, ...BY_EMAIL }
  t.throws(() => parseProviders([twice, twice]), { message: /Provider example stands twice/ })
  t.end()
})

test('plain http is for loopback alone', (t) => {
  for (const issuer of [
    'http://localhost:9000',
    'http://127.0.0.1:9000/realms/a',
    'http://[::1]',
  ]) {
    t.equal(parseProviders([{ ...ENTRY, ...BY_EMAIL, issuer }])[0]?.issuer, issuer)
  }
  t.end()
})

test('a secret lies in a file of its own, and is there', (t) => {
  const folder = folderOf(t, { secret: 's3cret\n', empty: '\n' })
  const write = (secret: string) =>
    join(
      folderOf(t, {
        'providers.json': JSON.stringify([
          { ...ENTRY, ...BY_EMAIL, client_secret_file: join(folder, secret) },
        ]),
      }),
      'providers.json',
    )
  t.equal(readProviders(write('secret'))[0]?.clientSecret, 's3cret')
  t.throws(() => readProviders(write('empty')), { message: /is empty/ })
  t.throws(() => readProviders(write('missing')), { code: 'ENOENT' })
  t.end()
})

const ENVIRONMENT = {
  ISSUER: 'http://localhost:8080',
  ODOO_ADAPTER: 'addon',
  ODOO_URL: 'http://odoo:8069',
  ODOO_DATABASE: 'odoo',
  ODOO_DATABASE_UUID: 'uuid',
  KEY_CUSTODY: 'file',
  KEY_FILE: '/keys',
}

test('the bridge does not start on a wrong file, and says which', async (t) => {
  const folder = folderOf(t, { credential: GATE_CREDENTIAL, 'no.json': '{', 'wrong.json': '[{}]' })
  for (const [file, message] of [
    ['no.json', /PROVIDERS_FILE: .*JSON/],
    ['wrong.json', /PROVIDERS_FILE: .*id: expected .*; name: expected/],
    ['missing.json', /PROVIDERS_FILE: ENOENT/],
  ] as const) {
    const config = loadConfig({
      ...ENVIRONMENT,
      GATE_CREDENTIAL_FILE: join(folder, 'credential'),
      PROVIDERS_FILE: join(folder, file),
    })
    await t.rejects(buildApp(config), { name: 'ConfigError', message })
  }
})

test('it takes the addon', (t) => {
  const files = { GATE_CREDENTIAL_FILE: '/credential', PROVIDERS_FILE: '/providers.json' }
  t.throws(() => loadConfig({ ...ENVIRONMENT, ...files, ODOO_ADAPTER: 'stock' }), {
    message: /PROVIDERS_FILE: .*ODOO_ADAPTER=addon/,
  })
  t.equal(loadConfig({ ...ENVIRONMENT, ...files }).PROVIDERS_FILE, '/providers.json')
  t.end()
})
