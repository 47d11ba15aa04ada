/** What goes out: challenges, variables, cookies; and what may not come in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import t from 'tap'
import { challenge } from '../../src/challenge.ts'
import { stripRefreshCookie } from '../../src/cookie.ts'
import { bringsIdentityHeader } from '../../src/identity-headers.ts'
import { setOutputs } from '../../src/outputs.ts'
import { isRefusal, REFUSALS } from '../../src/refusals.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('challenge', (t) => {
  const protection = {
    realm: 'gate',
    resourceMetadata: '',
    requiredScope: ['odoo.read', 'odoo.write'],
  }
  t.equal(challenge(REFUSALS.no_token, protection), 'Bearer realm="gate"')
  t.equal(
    challenge(REFUSALS.expired, protection),
    'Bearer realm="gate", error="invalid_token", error_description="The access token expired"',
  )
  t.match(challenge(REFUSALS.insufficient_scope, protection), /, scope="odoo.read odoo.write"$/)
  for (const reason of ['identity_header', 'keys_unavailable', 'misconfigured'] as const) {
    t.equal(challenge(REFUSALS[reason], protection), undefined)
  }
  const pointing = { ...protection, resourceMetadata: 'https://id.example.com/metadata' }
  const pointer = /, resource_metadata="https:\/\/id\.example\.com\/metadata"$/
  t.match(challenge(REFUSALS.no_token, pointing), pointer)
  t.match(challenge(REFUSALS.expired, pointing), pointer)
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

t.test('a refusal takes back what an earlier location found', (t) => {
  const variables: Record<string, string> = {}
  const claims = {
    iss: 'i',
    aud: ['a'],
    sub: '6',
    sid: 's',
    client_id: 'c',
    scope: 'x y',
    exp: 2,
    iat: 1,
    roles: ['r1', 'r2'],
  }
  setOutputs({ variables }, claims)
  const found = {
    drawbridge_status: 'valid',
    drawbridge_sub: '6',
    drawbridge_sid: 's',
    drawbridge_client_id: 'c',
    drawbridge_scope: 'x y',
    drawbridge_roles: 'r1 r2',
  }
  t.same(variables, found)
  setOutputs({ variables }, 'expired')
  t.same(variables, {
    ...Object.fromEntries(Object.keys(found).map((name) => [name, ''])),
    drawbridge_status: 'expired',
  })
  t.end()
})

t.test('stripRefreshCookie', (t) => {
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
  for (const [header, stripped] of cases) t.equal(stripRefreshCookie(header), stripped, header)
  t.end()
})

t.test('bringsIdentityHeader', (t) => {
  for (const name of Object.values(GATE_HEADERS)) {
    for (const spelling of [name, name.toLowerCase(), name.replaceAll('-', '_')]) {
      t.ok(
        bringsIdentityHeader([
          ['Host', 'x'],
          [spelling, ''],
        ]),
        spelling,
      )
    }
  }
  t.notOk(
    bringsIdentityHeader([
      ['Host', 'x'],
      ['X-Drawbridge-Sub', '1'],
      ['Drawbridge', '1'],
    ]),
  )
  t.notOk(bringsIdentityHeader([]))
  t.end()
})

t.test('every upstream snippet sets every header of the gate, and Authorization', (t) => {
  for (const name of ['upstream.conf', 'upstream-bridge.conf', 'upstream-odoo.conf']) {
    const text = readFileSync(join(ROOT, 'conf', name), 'utf8')
    for (const header of [...Object.values(GATE_HEADERS), 'Authorization', 'Cookie']) {
      t.match(text, `proxy_set_header ${header} `)
    }
  }
  t.end()
})
