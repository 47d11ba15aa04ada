/** How a token is taken apart and what is asked of it. */
import t from 'tap'
import { bearerToken } from '../../src/bearer.ts'
import { check } from '../../src/checks.ts'
import { readClaims } from '../../src/claims.ts'
import { readHeader } from '../../src/header.ts'
import { parseJws } from '../../src/jws.ts'
import type { Settings } from '../../src/settings.ts'
import { readVerifiedToken, verifiedToken, writeVerifiedToken } from '../../src/verified-token.ts'
import { AUDIENCE, claims, mint, newKey, now } from '../support/tokens.ts'

t.test('bearerToken', (t) => {
  for (const none of [undefined, '', 'Basic YTpi', 'Bearers x', 'xBearer y']) {
    t.equal(bearerToken(none), 'no_token', String(none))
  }
  for (const broken of ['Bearer', 'bearer ', 'Bearer    ']) {
    t.equal(bearerToken(broken), 'malformed', broken)
  }
  t.equal(bearerToken(`Bearer ${'a'.repeat(20_000)}`), 'malformed')
  t.same(bearerToken('Bearer a.b-c_d.e'), { token: 'a.b-c_d.e' })
  t.same(bearerToken('BEARER   a.b.c'), { token: 'a.b.c' })
  for (const nonsense of ['a b', 'a,b', '"a"', 'é', 'a.b.c=']) {
    t.same(bearerToken(`Bearer ${nonsense}`), { token: nonsense }, 'left to parseJws')
    t.equal(parseJws(nonsense), undefined, nonsense)
  }
  t.end()
})

t.test('parseJws', (t) => {
  const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url')
  const empty = encode('{}')
  t.match(parseJws(`${empty}.${encode('{"a":"é"}')}.AAAA`), {
    header: {},
    payload: { a: 'é' },
    signingInput: Buffer.from(`${empty}.${encode('{"a":"é"}')}`),
  })
  const broken = [
    '',
    'a',
    `${empty}.${empty}`,
    `${empty}.${empty}.`,
    `.${empty}.AAAA`,
    `${empty}.${empty}.AAAA.AAAA`,
    `${empty}.${empty}.AAAAA`,
    `${empty}.${empty}.AA==`,
    `${empty}.${empty}.AA+/`,
    `${empty}.${empty}.AB`,
    `${empty}.${empty}.AAB`,
    `${empty}.${empty}.AA\n`,
    ` ${empty}.${empty}.AAAA`,
    `${empty}.${empty}.AAAA `,
    `${empty}.${empty}.ÄÄÄÄ`,
    `${empty}${empty}AAAA.`,
    '..',
    '.'.repeat(16_000),
    `${empty}.${encode('[{}]')}.AAAA`,
    `${empty}.${encode('{}{}')}.AAAA`,
    `${empty}.${encode(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]))}.AAAA`,
    `${empty}.${encode(Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d]))}.AAAA`,
    `${empty}.${encode('[]')}.AAAA`,
    `${empty}.${encode('null')}.AAAA`,
    `${empty}.${encode('"text"')}.AAAA`,
    `${empty}.${encode('{')}.AAAA`,
    `${empty}.${encode(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))}.AAAA`,
    `${encode('7')}.${empty}.AAAA`,
  ]
  for (const token of broken) t.equal(parseJws(token), undefined, token)
  t.ok(parseJws(mint(newKey('key-1'))))
  const other = `${encode('{"kid":"b"}')}.${empty}.AAAA`
  t.match(parseJws(`${encode('{"kid":"a"}')}.${empty}.AAAA`)?.header, { kid: 'a' })
  t.match(parseJws(other)?.header, { kid: 'b' }, 'not the header of the last one')
  t.match(parseJws(other)?.header, { kid: 'b' })
  t.same(
    parseJws(`${empty}.${encode('\ufeff{"a":1}')}.AAAA`)?.payload,
    { a: 1 },
    'a byte order mark is no part of the text (RFC 8259 §8.1)',
  )
  t.end()
})

t.test('readHeader', (t) => {
  const good = { alg: 'ES256', typ: 'at+jwt', kid: 'key-1' }
  t.same(readHeader(good), { alg: 'ES256', kid: 'key-1' })
  t.same(readHeader({ ...good, typ: 'application/at+JWT' }), { alg: 'ES256', kid: 'key-1' })
  for (const typ of ['JWT', 'rt+jwt', 'xat+jwt', 'at+jwt ', '', undefined, ['at+jwt']]) {
    t.equal(readHeader({ ...good, typ }), 'wrong_type')
  }
  for (const change of [
    { alg: undefined },
    { alg: 1 },
    { kid: undefined },
    { kid: '' },
    { kid: ['key-1'] },
    { crit: [] },
    { b64: true },
  ]) {
    t.equal(readHeader({ ...good, ...change }), 'malformed')
  }
  t.end()
})

t.test('readClaims', (t) => {
  t.match(readClaims(claims()), { aud: [AUDIENCE], roles: ['internal', 'sales'] })
  t.match(readClaims(claims({ aud: ['a', 'b'], roles: undefined, scope: '' })), {
    aud: ['a', 'b'],
    roles: [],
    scope: '',
  })
  t.match(readClaims(claims({ nbf: 5 })), { nbf: 5 })
  const wrong: Record<string, unknown>[] = [
    { iss: undefined },
    { iss: 1 },
    { aud: undefined },
    { aud: [1] },
    { aud: [''] },
    { aud: ['a\n'] },
    { aud: [['a']] },
    { aud: {} },
    { sub: 6 },
    { sub: '' },
    { sub: '6\n' },
    { sub: 'ü' },
    { sid: undefined },
    { sid: 'a\r\nb' },
    { client_id: undefined },
    { client_id: 'a\tb' },
    { scope: undefined },
    { scope: ['odoo.read'] },
    { scope: 'odoo.read\nodoo.write' },
    { exp: undefined },
    { exp: '9999999999' },
    { exp: Infinity },
    { iat: null },
    { nbf: 'now' },
    { roles: 'admin' },
    { roles: ['a b'] },
    { roles: [''] },
    { roles: [1] },
  ]
  for (const changes of wrong) t.equal(readClaims(claims(changes)), undefined, { changes })
  t.end()
})

t.test('check', (t) => {
  const settings: Settings = {
    exchange: '',
    issuers: [],
    audience: [AUDIENCE],
    scope: ['odoo.read'],
    role: [],
    mode: 'local',
    introspectCache: 0,
    leeway: 5,
    maxLifetime: 900,
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
  }
  const at = now()
  const verdict = (changes: Record<string, unknown>, other: Partial<Settings> = {}) => {
    const read = readClaims(claims({ iat: at, exp: at + 600, ...changes }))
    if (read === undefined) throw new Error('these claims are malformed')
    return check(verifiedToken('key', read), { ...settings, ...other }, at)
  }
  t.equal(verdict({}), undefined)
  t.equal(verdict({ aud: [] }), 'wrong_audience')
  t.equal(verdict({ aud: ['x', AUDIENCE] }), undefined)
  t.equal(verdict({ aud: 'y' }, { audience: ['x', 'y'] }), undefined)
  t.equal(verdict({ aud: 'z' }, { audience: ['x', 'y'] }), 'wrong_audience')
  t.equal(verdict({ exp: at + 900 }), undefined)
  t.equal(verdict({ exp: at + 901 }), 'too_long_lived')
  t.equal(verdict({ iat: at + 5 }), undefined)
  t.equal(verdict({ iat: at + 6 }), 'not_yet_valid')
  t.equal(verdict({ nbf: at + 5 }), undefined)
  t.equal(verdict({ nbf: at + 6 }), 'not_yet_valid')
  t.equal(verdict({ iat: at - 100, exp: at - 4 }), undefined)
  t.equal(verdict({ iat: at - 100, exp: at - 5 }), 'expired')
  t.equal(verdict({ iat: at - 100, exp: at - 4 }, { leeway: 0 }), 'expired')
  t.equal(verdict({ iat: at - 65 }, { maxAge: 60 }), undefined)
  t.equal(verdict({ iat: at - 66 }, { maxAge: 60 }), 'too_old')
  t.equal(verdict({ scope: '' }), 'insufficient_scope')
  t.equal(verdict({ scope: 'odoo.readonly' }), 'insufficient_scope')
  t.equal(verdict({ scope: 'openid odoo.read' }), undefined)
  t.equal(verdict({ scope: '' }, { scope: [] }), undefined)
  const both = { scope: ['odoo.read', 'odoo.write'] }
  t.equal(verdict({ scope: 'odoo.write' }, both), 'insufficient_scope')
  t.equal(verdict({ roles: ['sales'] }, { role: ['manager', 'sales'] }), undefined)
  t.equal(verdict({ roles: ['salesman'] }, { role: ['manager', 'sales'] }), 'insufficient_role')
  t.equal(verdict({ roles: [] }, { role: ['sales'] }), 'insufficient_role')
  t.equal(verdict({ exp: at - 60, iat: at - 120, aud: 'x' }), 'wrong_audience', 'audience first')
  t.equal(verdict({ exp: at - 60, iat: at - 120, scope: '' }), 'expired', 'expiry before scope')
  t.end()
})

t.test('a verified token comes out of the memo as it went in', (t) => {
  for (const changes of [{}, { nbf: 5, aud: ['a', 'b'] }, { roles: [], scope: '' }]) {
    const read = readClaims(claims(changes))
    if (read === undefined) throw new Error('these claims are malformed')
    const token = verifiedToken('key', read)
    t.same(readVerifiedToken(writeVerifiedToken(token)), token)
    t.match(token, {
      profile: { key: 'key', iss: read.iss, aud: read.aud, roles: read.roles },
      sub: read.sub,
      sid: read.sid,
      exp: read.exp,
      iat: read.iat,
      nbf: read.nbf ?? 0,
    })
  }
  t.end()
})
