/** What operators write, and what is made of it. */
import t from 'tap'
import { findSettings, settingsOf } from '../../src/known-settings.ts'
import { issuersOf, readSettings } from '../../src/settings.ts'

const ISSUER = 'https://id.example.com'
const OTHER = 'https://other.example'

const ISSUERS = `
  issuer ${ISSUER};
  jwks http://127.0.0.1:3000/jwks;
  revocations http://127.0.0.1:3000/revocations;
  credential secret;
  issuer ${OTHER}; jwks ${OTHER}/jwks; revocations off; validate ${OTHER}/validate; credential c2;
`

const joined = (location: string, issuers = ISSUERS): string =>
  `\n${issuers}\nlocation;\n${location}`

const GOOD = `audience ${ISSUER}/api; scope odoo.read odoo.write;`
const read = (more: string, issuers?: string): unknown =>
  readSettings(joined(`${GOOD} ${more}`, issuers))

t.test('defaults', (t) => {
  t.same(read(''), {
    issuers: [
      {
        issuer: ISSUER,
        jwks: 'http://127.0.0.1:3000/jwks',
        revocations: 'http://127.0.0.1:3000/revocations',
        validate: '',
        credential: 'secret',
      },
    ],
    audience: [`${ISSUER}/api`],
    scope: ['odoo.read', 'odoo.write'],
    role: [],
    mode: 'local',
    introspectCache: 0,
    leeway: 5,
    maxLifetime: 3600,
    maxAge: 0,
    cookie: '',
    keysMaxStale: 3600,
    revocationsMaxStale: 60,
    staleRevocations: 'closed',
    realm: 'drawbridge',
    resourceMetadata: '',
    refusalBody: true,
    signIn: '',
    watch: 0,
  })
  t.end()
})

t.test('everything of its own', (t) => {
  const text = `
    issuer ${OTHER};
    audience a
             b;
    scope *;
    role sales manager;
    mode introspect;
    introspect_cache 10;
    leeway 0;
    max_lifetime 60;
    max_age 30;
    token_cookie __Host-token;
    keys_max_stale 60;
    revocations_max_stale 5;
    stale_revocations open;
    realm the (whole) house;
    resource_metadata ${ISSUER}/.well-known/oauth-protected-resource/api;
    refusal_body off;
    sign_in https://app.example:8443/oauth/start?client=a&rd=;
    watch 2;
  `
  t.match(readSettings(joined(text)), {
    issuers: [{ issuer: OTHER, revocations: '', validate: `${OTHER}/validate`, credential: 'c2' }],
    audience: ['a', 'b'],
    scope: [],
    role: ['sales', 'manager'],
    mode: 'introspect',
    introspectCache: 10,
    leeway: 0,
    maxLifetime: 60,
    maxAge: 30,
    cookie: '__Host-token',
    keysMaxStale: 60,
    revocationsMaxStale: 5,
    staleRevocations: 'open',
    realm: 'the (whole) house',
    resourceMetadata: `${ISSUER}/.well-known/oauth-protected-resource/api`,
    refusalBody: false,
    signIn: 'https://app.example:8443/oauth/start?client=a&rd=',
    watch: 2,
  })
  t.match(read(`issuer ${OTHER} ${ISSUER};`), { issuers: [{ issuer: OTHER }, { issuer: ISSUER }] })
  t.end()
})

t.test('what is unset, unknown or malformed is named, and the location is closed', (t) => {
  const malformed = (text: string): [string, string] => [
    text,
    `"${text.split(' ')[0] ?? ''}" in $drawbridge is malformed`,
  ]
  const wrong: [string, string][] = [
    ['scope;', '"scope" in $drawbridge has no value'],
    ['audience a;', '"audience" comes twice in $drawbridge'],
    ['roles sales;', '"roles" is not known in $drawbridge'],
    ['Mode local;', '"Mode" is not known in $drawbridge'],
    ['constructor x;', '"constructor" is not known in $drawbridge'],
    ['__proto__ x;', '"__proto__" is not known in $drawbridge'],
    ['location;', '"location" is not known in $drawbridge'],
    ['jwks https://evil.example;', '"jwks" is not known in $drawbridge'],
    ['leeway 5', 'a statement does not end with ";"'],
    ['leeway 5;;', 'an empty statement'],
    ['realm ünder;', 'a character that is not ASCII'],
    [
      'issuer https://nobody.example;',
      '"issuer https://nobody.example" is not in $drawbridge_issuers',
    ],
    ['mode introspect;', `"validate" or "credential" is not set for ${ISSUER}`],
    malformed('mode Local;'),
    malformed('mode local introspect;'),
    malformed('leeway 1e3;'),
    malformed('leeway 301;'),
    malformed('leeway -1;'),
    malformed('max_lifetime 0;'),
    malformed('max_age 1h;'),
    malformed('introspect_cache 61;'),
    malformed('token_cookie a=b;'),
    malformed('stale_revocations yes;'),
    malformed('resource_metadata /relative;'),
    malformed('resource_metadata https://a",b="c;'),
    malformed('realm a";'),
    malformed('realm a\\;'),
    malformed('refusal_body html;'),
    malformed('role a", realm="b;'),
    ['sign_in /login?return=;', '"sign_in" in $drawbridge needs "token_cookie"'],
  ]
  for (const [more, problem] of wrong) t.same(read(more), { problem }, more)
  const scope = (words: string) => readSettings(joined(`audience a; scope ${words};`))
  t.same(scope('* odoo.read'), { problem: '"scope" in $drawbridge is malformed' })
  t.same(scope('a", realm="b'), { problem: '"scope" in $drawbridge is malformed' })
  t.same(readSettings(joined('scope *;')), { problem: '"audience" is not set' })
  t.same(readSettings(joined('audience a;')), { problem: '"scope" is not set' })
  t.same(readSettings(joined('')), { problem: '"audience" is not set' })
  t.end()
})

t.test('where people may be sent to sign in', (t) => {
  const cookie = (signIn: string): unknown => read(`token_cookie a; sign_in ${signIn};`)
  const good = [
    '/?return=',
    '/sign-in?return=',
    '/oauth2/start?rd=',
    '/a.b/~c/?x=1&y=%20&to=',
    '/.well-known/sign-in?to=',
    'https://app.example/?to=',
    'https://localhost:8443/login?to=',
  ]
  for (const signIn of good) t.match(cookie(signIn), { signIn }, signIn)
  const bad = [
    '/sign-in',
    '/sign-in?return',
    '/sign-in?return=/',
    '/sign-in?=',
    '/sign-in?a==',
    '/sign-in?return=#',
    'sign-in?return=',
    '?return=',
    '//evil.example?to=',
    '//evil.example/?to=',
    '/\\evil.example/?to=',
    '/a//b?to=',
    '/./evil?to=',
    '/../evil?to=',
    '/..?to=',
    '/a/.?to=',
    '/%2e%2e/b?to=',
    '/a"?to=',
    '/a b?to=',
    '/a?to= /b?to=',
    'http://app.example/login?to=',
    'https://app.example?to=',
    'https:///login?to=',
    'https:/login?to=',
    'https://user@app.example/login?to=',
    'https://app.example:/login?to=',
    'https://app.example\\@evil/login?to=',
    'javascript:alert(1)?to=',
    'HTTPS://app.example/login?to=',
  ]
  const problem = '"sign_in" in $drawbridge is malformed'
  for (const signIn of bad) t.same(cookie(signIn), { problem }, signIn)
  t.end()
})

t.test('issuers', (t) => {
  const problem = (text: string, expected: string): void => {
    t.match(read('', text), { problem: expected }, text)
  }
  problem('', '$drawbridge_issuers is not set')
  problem('jwks https://a;', '$drawbridge_issuers does not begin with "issuer"')
  problem('issuer id.example.com;', '"issuer" in $drawbridge_issuers is malformed')
  problem('issuer https://a?x;', '"issuer" in $drawbridge_issuers is malformed')
  problem('issuer https://a; revocations off;', '"jwks" is not set for https://a')
  problem('issuer https://a; jwks file:///etc;', '"jwks" in $drawbridge_issuers is malformed')
  problem('issuer https://a; jwks https://b;', '"revocations" is not set for https://a')
  problem(
    'issuer https://a; jwks https://b; revocations https://c;',
    '"credential" is not set for https://a',
  )
  problem('issuer https://a; jwks https://b; jwks https://c;', '"jwks" comes twice')
  problem(
    'issuer https://a; jwks https://b; revocations off; issuer https://a; jwks https://c; revocations off;',
    '"issuer https://a" comes twice',
  )
  problem(
    'issuer https://a; jwks https://b; revocations off; audience c;',
    '"audience" is not known',
  )
  // A value without its semicolon would swallow the boundary.
  problem(
    'issuer https://a; jwks https://b; revocations off',
    '$drawbridge_issuers does not end with',
  )
  t.match(issuersOf(ISSUERS), [{ issuer: ISSUER }, { issuer: OTHER }])
  t.match(issuersOf('issuer'), { problem: 'does not end' })
  t.end()
})

t.test('settings are remembered by all of their text, by all workers', (t) => {
  const zone = new Map<string, string>()
  const add = (name: string, value: string) => zone.set(name, value)
  const shared = { drawbridge_settings: { get: (name: string) => zone.get(name), add } }
  Object.assign(globalThis, { ngx: { shared }, BUILD: 'build-1' })
  const settings = (text: string): unknown => findSettings(text) ?? settingsOf(text, text)

  const text = joined(GOOD)
  t.equal(findSettings(text), undefined)
  const first = settings(text)
  t.match(first, { exchange: text, audience: [`${ISSUER}/api`] })
  t.equal(settings(text), first)
  t.match(settings(joined('audience other; scope *;')), { audience: ['other'] })
  for (let i = 0; i < 200; i++) settings(joined(`audience other-${i}; scope *;`))
  t.not(settings(text), first, 'forgotten here')
  t.same(settings(text), first, 'but not by the others')
  t.equal(zone.size, 202)

  t.match(settings(joined('audience a;')), { problem: '"scope" is not set' })
  t.equal(zone.size, 202, 'what is wrong is not kept')
  Object.assign(globalThis, { BUILD: 'build-2' })
  settingsOf(text, text)
  t.equal(zone.size, 203, 'another build reads for itself')
  t.end()
})
