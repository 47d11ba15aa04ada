import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readSettings, settingsOf } from '../../src/settings.ts'

const CONF = join(import.meta.dirname, '../../conf')
const PROTECT = ['protect.conf', 'protect-auth-request.conf']

const GOOD: Record<string, string> = {
  audience: 'https://id.example.com/api',
  required_scope: 'odoo.read odoo.write',
  mode: '',
  leeway: '',
  max_age: '',
  realm: '',
  resource_metadata: '',
  issuer: '',
  jwks_url: '',
  validate_url: '',
  default_issuer: 'https://id.example.com',
  default_jwks_url: 'http://127.0.0.1:3000/jwks',
  default_validate_url: '',
  keys_max_stale: '3600',
}

const joined = (changes: Record<string, string> = {}): string =>
  Object.entries({ ...GOOD, ...changes })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')

const read = (changes: Record<string, string>): unknown => readSettings(joined(changes))

t.test('defaults', (t) => {
  t.same(read({}), {
    issuer: 'https://id.example.com',
    jwksUrl: 'http://127.0.0.1:3000/jwks',
    validateUrl: '',
    audience: 'https://id.example.com/api',
    requiredScope: ['odoo.read', 'odoo.write'],
    mode: 'local',
    leeway: 5,
    maxAge: 3600,
    realm: 'drawbridge',
    resourceMetadata: '',
    keysMaxStale: 3600,
  })
  t.end()
})

t.test('everything of its own', (t) => {
  const changes = {
    required_scope: '*',
    mode: 'introspect',
    leeway: '0',
    max_age: '60',
    realm: 'a (b)',
    resource_metadata: 'https://id.example.com/.well-known/oauth-protected-resource/api',
    issuer: 'http://127.0.0.1:8080',
    validate_url: 'http://127.0.0.1:3000/auth/validate',
  }
  t.match(read(changes), {
    issuer: 'http://127.0.0.1:8080',
    jwksUrl: '',
    validateUrl: 'http://127.0.0.1:3000/auth/validate',
    requiredScope: [],
    mode: 'introspect',
    leeway: 0,
    maxAge: 60,
    realm: 'a (b)',
    resourceMetadata: 'https://id.example.com/.well-known/oauth-protected-resource/api',
  })
  t.end()
})

t.test('what is unset or malformed is named', (t) => {
  const wrong: [Record<string, string>, string][] = [
    [{ audience: '' }, '$drawbridge_audience is not set'],
    [{ audience: 'a b' }, '$drawbridge_audience is malformed'],
    [{ audience: 'a"b' }, '$drawbridge_audience is malformed'],
    [{ required_scope: '' }, '$drawbridge_required_scope is not set'],
    [{ required_scope: 'a  b' }, '$drawbridge_required_scope is malformed'],
    [{ required_scope: 'a", realm="b' }, '$drawbridge_required_scope is malformed'],
    [{ required_scope: 'a,\r' }, '$drawbridge_required_scope is malformed'],
    [{ mode: 'Local' }, '$drawbridge_mode is malformed'],
    [{ leeway: '1e3' }, '$drawbridge_leeway is malformed'],
    [{ leeway: '301' }, '$drawbridge_leeway is malformed'],
    [{ leeway: '-1' }, '$drawbridge_leeway is malformed'],
    [{ max_age: '0' }, '$drawbridge_max_age is malformed'],
    [{ max_age: '1h' }, '$drawbridge_max_age is malformed'],
    [{ resource_metadata: '/relative' }, '$drawbridge_resource_metadata is malformed'],
    [{ resource_metadata: 'https://a", b="c' }, '$drawbridge_resource_metadata is malformed'],
    [{ realm: 'a"' }, '$drawbridge_realm is malformed'],
    [{ realm: 'a\\' }, '$drawbridge_realm is malformed'],
    [{ realm: 'a\r' }, '$drawbridge_realm is malformed'],
    [{ default_issuer: '' }, '$drawbridge_default_issuer is not set'],
    [{ default_issuer: 'id.example.com' }, '$drawbridge_default_issuer is malformed'],
    [{ default_issuer: 'https://id.example.com?x' }, '$drawbridge_default_issuer is malformed'],
    [{ default_jwks_url: '' }, '$drawbridge_default_jwks_url is not set'],
    [{ default_jwks_url: 'file:///etc' }, '$drawbridge_default_jwks_url is malformed'],
    [{ issuer: 'https://other.example' }, '$drawbridge_jwks_url is not set'],
    [{ jwks_url: 'https://other.example/jwks' }, '$drawbridge_issuer is not set'],
    [{ mode: 'introspect' }, '$drawbridge_default_validate_url is not set'],
    [
      { mode: 'introspect', issuer: 'https://other.example' },
      '$drawbridge_validate_url is not set',
    ],
    [{ keys_max_stale: '' }, '$drawbridge_keys_max_stale is not set'],
  ]
  for (const [changes, problem] of wrong) t.same(read(changes), { problem })
  t.end()
})

t.test('lines that are not those of the snippet', (t) => {
  t.match(readSettings(''), { problem: 'lacks the protect snippet' })
  const shifted = { problem: '$drawbridge_location is not what' }
  t.match(readSettings(`${joined()}\nextra=1`), shifted)
  t.match(read({ audience: 'a\nrequired_scope=*' }), shifted)
  t.match(readSettings(joined().replace('mode=', 'made=')), shifted)
  t.match(readSettings(joined().split('\n').reverse().join('\n')), shifted)
  t.end()
})

t.test('settings are remembered by all of their text', (t) => {
  const first = settingsOf(joined())
  t.equal(settingsOf(joined()), first)
  t.match(settingsOf(joined({ audience: 'other' })), { audience: 'other' })
  for (let i = 0; i < 200; i++) settingsOf(joined({ audience: `other-${i}` }))
  t.match(settingsOf(joined()), { audience: 'https://id.example.com/api' })
  t.match(settingsOf('__proto__'), { problem: 'not what' })
  t.end()
})

t.test('both snippets join the settings that the module reads, and empty them', (t) => {
  for (const name of PROTECT) {
    const text = readFileSync(join(CONF, name), 'utf8')
    const set = /^set \$drawbridge_location "(.*)";$/m.exec(text)?.[1] ?? ''
    const lines = set.split('\\n')
    t.same(
      lines,
      Object.keys(GOOD).map((setting) => `${setting}=$drawbridge_${setting}`),
    )

    const perLocation = Object.keys(GOOD).slice(0, 10)
    const emptied = [...text.matchAll(/^set \$drawbridge_(\w+) "";$/gm)].map((match) => match[1])
    t.same(emptied, perLocation)
  }
  t.end()
})
