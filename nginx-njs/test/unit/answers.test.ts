/** What goes out: challenges, variables, cookies; and what the snippets take in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import t from 'tap'
import { challenge } from '../../src/challenge.ts'
import { stripCookies, tokenOfCookie } from '../../src/cookie.ts'
import { setVerdict } from '../../src/outputs.ts'
import { isRefusal, REFUSALS } from '../../src/refusals.ts'
import { verifiedToken } from '../../src/verified-token.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('challenge', (t) => {
  const protection = {
    realm: 'gate',
    resourceMetadata: '',
    scope: ['odoo.read', 'odoo.write'],
    refusalBody: true,
    signIn: '',
  }
  t.equal(challenge(REFUSALS.no_token, protection), 'Bearer realm="gate"')
  t.equal(
    challenge(REFUSALS.expired, protection),
    'Bearer realm="gate", error="invalid_token", error_description="The access token expired"',
  )
  t.match(challenge(REFUSALS.insufficient_scope, protection), /, scope="odoo.read odoo.write"$/)
  t.match(challenge(REFUSALS.insufficient_role, protection), /, error="access_denied", [^,]+$/)
  for (const reason of ['identity_header', 'keys_unavailable', 'misconfigured'] as const) {
    t.equal(challenge(REFUSALS[reason], protection), undefined)
  }
  const pointing = { ...protection, resourceMetadata: 'https://id.example.com/metadata' }
  const pointer = /, resource_metadata="https:\/\/id\.example\.com\/metadata"$/
  t.match(challenge(REFUSALS.no_token, pointing), pointer)
  t.match(challenge(REFUSALS.expired, pointing), pointer)
  t.match(challenge(REFUSALS.insufficient_scope, pointing), pointer)
  t.end()
})

t.test('what is said needs no quoting', (t) => {
  for (const refusal of Object.values(REFUSALS)) {
    t.match(refusal.error, /^[a-z_]+$/)
    t.match(refusal.error_description, /^[\w .]+$/)
  }
  t.end()
})

t.test('isRefusal', (t) => {
  t.ok(isRefusal('expired'))
  for (const status of ['valid', '', undefined, 'toString', '__proto__']) t.notOk(isRefusal(status))
  t.end()
})

t.test('every reason is documented', (t) => {
  const text = readFileSync(join(ROOT, '../docs/gate.md'), 'utf8')
  for (const reason of Object.keys(REFUSALS)) {
    t.ok(new RegExp(`^\\| \`${reason}\` +\\|`, 'm').test(text), reason)
  }
  t.end()
})

t.test('nginx is told of a decision in one variable', (t) => {
  const variables: Record<string, string> = { drawbridge_exchange: '?\n…' }
  const token = verifiedToken('key', {
    iss: 'i',
    aud: ['a'],
    sub: '6',
    sid: 's',
    client_id: 'c',
    scope: 'x y',
    exp: 2,
    iat: 1,
    roles: ['r1', 'r2'],
  })
  setVerdict(variables, token)
  t.same(variables.drawbridge_exchange?.split('\n').slice(0, 7), [
    'valid',
    '6',
    's',
    'i',
    'c',
    'x y',
    'r1 r2',
  ])
  // An earlier location may have let it pass, and its `error_page` may lead to an upstream.
  setVerdict(variables, 'expired')
  t.same(variables, { drawbridge_exchange: 'expired' })
  t.end()
})

t.test('stripCookies', (t) => {
  const cases: [string, string][] = [
    ['', ''],
    ['a=1', 'a=1'],
    ['a=1; b="x=y"', 'a=1; b="x=y"'],
    ['drawbridge_refresh=x', ''],
    ['__Host-drawbridge_refresh=x; a=1', 'a=1'],
    ['a=1;drawbridge_refresh=x;b=2;DRAWBRIDGE_REFRESH=y', 'a=1; b=2'],
    [' drawbridge_refresh =x; a=1', 'a=1'],
    ['drawbridge_refresh', ''],
    [
      'xdrawbridge_refresh=1; drawbridge_refresh2=2',
      'xdrawbridge_refresh=1; drawbridge_refresh2=2',
    ],
    ['a=drawbridge_refresh', 'a=drawbridge_refresh'],
  ]
  for (const [header, stripped] of cases) t.equal(stripCookies(header, ''), stripped, header)
  t.equal(stripCookies('a=1; token=x; TOKEN=y; tokens=z', 'token'), 'a=1; tokens=z')
  t.end()
})

t.test('tokenOfCookie', (t) => {
  const get = { request_method: 'GET', scheme: 'https', http_host: 'app.example' }
  const of = (changes: Record<string, string>) => tokenOfCookie({ ...get, ...changes }, 'token')
  t.same(of({ http_cookie: 'a=1; token=x.y.z; b=2' }), { token: 'x.y.z' })
  t.same(of({ http_cookie: 'token=a=b' }), { token: 'a=b' })
  for (const http_cookie of ['', 'a=1', 'Token=x', 'tokens=x', 'a=token=x']) {
    t.equal(of({ http_cookie }), 'no_token', http_cookie)
  }
  t.equal(of({ http_cookie: 'token=x; token=y' }), 'malformed')
  t.equal(of({ http_cookie: 'token=x; token' }), 'malformed')

  const http_cookie = 'token=x'
  const post = { http_cookie, request_method: 'POST' }
  const same = [
    { http_sec_fetch_site: 'same-origin' },
    { http_origin: 'https://app.example' },
    { http_sec_fetch_site: 'same-origin', http_origin: 'null' },
    {},
  ]
  const cross = [
    { http_sec_fetch_site: 'cross-site' },
    { http_sec_fetch_site: 'same-site' },
    { http_sec_fetch_site: 'none' },
    { http_sec_fetch_site: 'cross-site', http_origin: 'https://app.example' },
    { http_origin: 'https://evil.example' },
    { http_origin: 'http://app.example' },
    { http_origin: 'null' },
  ]
  for (const changes of same) t.same(of({ ...post, ...changes }), { token: 'x' }, { changes })
  for (const changes of cross) {
    t.equal(of({ ...post, ...changes }), 'cross_site', { changes })
    const upgrade = { http_cookie, http_upgrade: 'websocket' }
    t.equal(of({ ...upgrade, ...changes }), 'cross_site', { changes })
    t.same(of({ http_cookie, ...changes }), { token: 'x' }, { changes })
  }
  t.end()
})

t.test('both protect snippets ask for, take and set the same', (t) => {
  const [first, second] = ['protect.conf', 'protect-auth-request.conf'].map((name) => {
    const text = readFileSync(join(ROOT, 'conf', name), 'utf8')
    return text.split('\n').filter((line) => /^(set|proxy_set_header) /.test(line))
  })
  t.same(first, second)
  const headers = Object.values(GATE_HEADERS)
  const read = headers.map((name) => `$http_${name.toLowerCase().replaceAll('-', '_')}`).join('')
  t.ok(first?.some((line) => line.startsWith(`set $drawbridge_exchange "?${read}\\n`)))
  for (const header of [...headers, 'Authorization', 'Cookie']) {
    t.ok(
      first?.some((line) => line.startsWith(`proxy_set_header ${header} $drawbridge_`)),
      header,
    )
  }
  t.end()
})
