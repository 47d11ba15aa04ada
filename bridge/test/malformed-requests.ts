import { createSigner } from 'fast-jwt'
import fc from 'fast-check'
import type { RawRequest } from './raw-request.ts'

/** Something wrong with a request, and what may come of it besides a refusal. */
export interface Malformed extends RawRequest {
  what: string
  /** The fault is of no meaning at this address: it may be answered as if it were not there. */
  harmless?: boolean
}

/** Where the requests go, and the one that all of them are made from. */
export interface Endpoint {
  method: string
  path: string
  headers: Record<string, string>
  /** A body that would be right. */
  body?: { type: 'json' | 'form'; value: Record<string, string> }
  /** The header that says who asks, and the fault that it can have. */
  proof?: { name: string; prefix: string }
  /** What comes of the request as it stands, and so of one whose fault nobody looks at. */
  untouched: 'refused' | 'answered' | 'changes a session'
}

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

const base64url = (text: string) => Buffer.from(text).toString('base64url')

/** What looks like a token and is none. */
const brokenJwt = fc.oneof(
  fc.string({ maxLength: 50 }).map((text) => base64url(text)),
  fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 6 }).map((parts) => parts.join('.')),
  fc
    .tuple(fc.json(), fc.json())
    .map(([header, claims]) => `${base64url(header)}.${base64url(claims)}.x`),
  fc
    .constantFrom('none', 'HS256', 'ES256', 'HS512', '', 'RS256')
    .map((alg) => `${base64url(JSON.stringify({ alg, typ: 'rt+jwt', kid: 'file' }))}.e30.`),
  fc.constantFrom('.', '..', 'a.b', 'a.b.c', `${'A'.repeat(5000)}.${'B'.repeat(3000)}.C`),
  fc
    .dictionary(fc.string(), fc.jsonValue())
    .map((claims) =>
      createSigner({ algorithm: 'HS256', key: 'x'.repeat(32), kid: 'file' })({ claims }),
    ),
)

const latin1 = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\0\r\n]/g, '?'),
)

const form = (value: Record<string, string>): string => new URLSearchParams(value).toString()

const withBody = (
  endpoint: Endpoint,
  what: string,
  body: Buffer,
  type = endpoint.body?.type === 'form' ? FORM_TYPE : JSON_TYPE,
  extra: [string, string][] = [['content-length', String(body.length)]],
): Malformed => ({
  what,
  line: `${endpoint.method} ${endpoint.path} HTTP/1.1`,
  headers: [
    ['host', 'localhost'],
    ['connection', 'close'],
    ...Object.entries(endpoint.headers),
    ...(type === '' ? [] : [['content-type', type] as [string, string]]),
    ...extra,
  ],
  body,
})

const rightBody = ({ body }: Endpoint): Buffer => {
  if (!body) return Buffer.alloc(0)
  return Buffer.from(body.type === 'form' ? form(body.value) : JSON.stringify(body.value))
}

/** The right request, changed. */
const changed = (endpoint: Endpoint, what: string, change: Partial<Malformed>): Malformed => ({
  ...withBody(endpoint, what, rightBody(endpoint), endpoint.body ? undefined : ''),
  ...change,
})

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '{"login":['), fc.integer({ min: 500, max: 9000 }))
  .map(([open, depth]) => open.repeat(depth))

/** Bodies that no endpoint takes. */
function bodies(endpoint: Endpoint): fc.Arbitrary<Malformed>[] {
  const { body } = endpoint
  if (!body) return []
  const names = Object.keys(body.value)
  const right = rightBody(endpoint).toString()
  const isForm = body.type === 'form'
  const oneName = fc.constantFrom(...(names.length > 0 ? names : ['x']))
  const notText = fc
    .jsonValue()
    .filter((value) => typeof value !== 'string')
    .map((value) => JSON.stringify(value))
  const raw = (what: string) => (text: string | Buffer) =>
    withBody(endpoint, what, Buffer.from(text as string))

  return [
    // Half a form is a form, half a JSON text is none.
    ...(isForm
      ? []
      : [fc.nat({ max: right.length - 1 }).map((length) => raw('cut')(right.slice(0, length)))]),
    fc
      .jsonValue()
      .filter((value) => JSON.stringify(value) !== '{}')
      .map((value) => raw('any JSON')(JSON.stringify(value))),
    fc.tuple(oneName, notText).map(([name, value]) =>
      raw('a member of another type')(
        `{${names
          .filter((other) => other !== name)
          .map((other) => `${JSON.stringify(other)}:${JSON.stringify(body.value[other])},`)
          .join('')}${JSON.stringify(name)}:${value}}`,
      ),
    ),
    fc
      .integer({ min: 66_000, max: 200_000 })
      .map((size) =>
        raw('too large')(`${right.slice(0, -1)}${' '.repeat(size)}${right.slice(-1)}`),
      ),
    deep.map(raw('deep')),
    fc
      .uint8Array({ minLength: 1, maxLength: 200 })
      .map((bytes) => raw('bytes')(Buffer.concat([Buffer.from([0xff, 0xfe]), bytes]))),
    oneName.map((name) =>
      raw('bad UTF-8')(
        Buffer.concat([
          Buffer.from(isForm ? `${name}=%ff%c0%80&` : `{"${name}":"`),
          Buffer.from([0xc3, 0x28, 0xa0, 0xff]),
          Buffer.from(isForm ? '' : '"}'),
        ]),
      ),
    ),
    oneName.map((name) => {
      const poisoned = { ...body.value, [name]: `a\0b${body.value[name] ?? ''}` }
      return raw('NUL')(isForm ? form(poisoned) : JSON.stringify(poisoned))
    }),
    oneName.map((name) =>
      raw('half a surrogate pair')(
        isForm ? `${name}=%ed%a0%80` : `{${names.map((n) => `"${n}":"\\ud800"`).join(',')},"x":1}`,
      ),
    ),
    fc
      .constantFrom('__proto__', 'constructor', 'prototype')
      .map((name) =>
        raw('prototype')(
          isForm
            ? `${name}[x]=1&${name}=1`
            : `{"${name}":{"prototype":{"x":1}},${right.slice(1) === '}' ? '"x":1}' : right.slice(1)}`,
        ),
      ),
    fc
      .tuple(oneName, fc.string())
      .map(([name, text]) =>
        raw('twice')(isForm ? `${right}&${name}=${encodeURIComponent(text)}` : `${right}${right}`),
      ),
    fc
      .constantFrom(
        'text/plain',
        'text/xml',
        'multipart/form-data; boundary=x',
        isForm ? JSON_TYPE : FORM_TYPE,
        '',
        'application/json2',
        'application/octet-stream',
        '\x80\xff',
        'application',
        `application/${'x'.repeat(3000)}`,
      )
      .map((type) => withBody(endpoint, `content type ${type}`, Buffer.from(right), type)),
    fc.constantFrom('gzip', 'br').map((encoding) =>
      withBody(endpoint, encoding, Buffer.from([0x1f, 0x8b, 8, 0, 1]), undefined, [
        ['content-length', '5'],
        ['content-encoding', encoding],
      ]),
    ),
    fc
      .constantFrom('zz', '-1', 'ffffffffffffffff1', '5;x\0')
      .map((size) =>
        withBody(
          endpoint,
          'a chunk of no size',
          Buffer.from(`${size}\r\nhello\r\n0\r\n\r\n`),
          undefined,
          [['transfer-encoding', 'chunked']],
        ),
      ),
    fc.constant(
      withBody(endpoint, 'two lengths', Buffer.from(right), undefined, [
        ['content-length', String(right.length)],
        ['transfer-encoding', 'chunked'],
      ]),
    ),
    fc
      .constantFrom('-1', '1e9', 'x', '0x10', '1, 2')
      .map((length) =>
        withBody(endpoint, `length ${length}`, Buffer.from(right), undefined, [
          ['content-length', length],
        ]),
      ),
  ]
}

/** What can be wrong with any request. */
function heads(endpoint: Endpoint): fc.Arbitrary<Malformed>[] {
  const { method, path } = endpoint
  const harmless = endpoint.untouched === 'answered'
  const base = changed(endpoint, '', {})
  const header = (what: string, name: string, value: string, more: Partial<Malformed> = {}) =>
    changed(endpoint, what, { headers: [...base.headers, [name, value]], ...more })
  const at = (what: string, target: string, more: Partial<Malformed> = {}) =>
    changed(endpoint, what, { line: `${method} ${target} HTTP/1.1`, ...more })
  const ignored = [
    fc
      .tuple(
        fc.webQueryParameters(),
        fc.constantFrom('&a[b]=1', '&__proto__=1', '&%', '&%ff', '&a&a&a'),
      )
      .map(([query, rest]) =>
        at('a query', `${path.split('?')[0] ?? ''}?${query}${rest}`, { harmless }),
      ),
    fc
      .integer({ min: 500, max: 2000 })
      .map((count) =>
        at('many parameters', `${path.split('?')[0] ?? ''}?${'a=1&'.repeat(count)}`, { harmless }),
      ),
    latin1.map((value) => header('any bytes in a header', 'x-any', value, { harmless })),
    latin1.map((value) => header('cookies', 'cookie', `${value}; =; a; b==;; c=%zz`, { harmless })),
    latin1.map((value) => header('a forwarded address', 'x-forwarded-for', value, { harmless })),
    latin1.map((value) => header('a request id', 'x-request-id', value, { harmless })),
  ]
  return [
    ...(endpoint.untouched === 'changes a session' ? [] : ignored),
    fc
      .integer({ min: 17_000, max: 40_000 })
      .map((length) => header('a long header', 'x-long', 'x'.repeat(length))),
    fc.constantFrom('a\0b', '\0').map((value) => header('NUL in a header', 'x-nul', value)),
    fc.constantFrom('a b', 'a\tb', '', 'a(b', 'ä').map((name) => header('header name', name, 'x')),
    fc
      .constantFrom('FROB', 'get', 'G\0T', '')
      .map((verb) => changed(endpoint, 'method', { line: `${verb} ${path} HTTP/1.1` })),
    fc
      .constantFrom('HTTP/9.9', 'HTTP/1', 'HTTPS/1.1', '')
      .map((version) => changed(endpoint, 'version', { line: `${method} ${path} ${version}` })),
    fc
      .constantFrom('%zz', '%', '%ff%fe', '/%c0%ae%c0%ae/', '%00')
      .map((rest) => at('a broken path', `${path.split('?')[0] ?? ''}${rest}`)),
    fc
      .constantFrom('PUT', 'PATCH', 'TRACE', 'PROPFIND')
      .map((verb) => changed(endpoint, 'another method', { line: `${verb} ${path} HTTP/1.1` })),
    fc.constant(
      changed(endpoint, 'less than announced', {
        headers: [
          ...base.headers.filter(([name]) => name !== 'content-length'),
          ['content-length', '60000'],
        ],
        body: Buffer.from('{'),
        incomplete: true,
        harmless,
      }),
    ),
  ]
}

/** A proof that proves nothing. */
function proofs(endpoint: Endpoint): fc.Arbitrary<Malformed>[] {
  const { proof, headers } = endpoint
  if (!proof) return []
  const others = Object.entries(headers).filter(([name]) => name !== proof.name)
  const right = headers[proof.name] ?? ''
  const proved = (what: string, values: string[]): Malformed => {
    const request = withBody(
      { ...endpoint, headers: Object.fromEntries(others) },
      what,
      rightBody(endpoint),
      endpoint.body ? undefined : '',
    )
    return {
      ...request,
      headers: [
        ...request.headers,
        ...values.map((value): [string, string] => [proof.name, value]),
      ],
    }
  }
  return [
    brokenJwt.map((token) => proved('a broken token', [`${proof.prefix}${token}`])),
    // Of two Authorization headers Node gives the first; nginx lets no such request through.
    brokenJwt.map((token) => ({
      ...proved('two proofs', [right, `${proof.prefix}${token}`]),
      harmless: endpoint.untouched === 'answered',
    })),
    latin1.map((value) => proved('no token at all', [`${proof.prefix}${value}`])),
    fc.nat({ max: 40 }).map((cut) => proved('a cut token', [right.slice(0, -1 - cut)])),
    fc.constant(proved('no proof', [])),
  ]
}

/** Requests to this endpoint, each with one thing wrong. */
export const malformed = (endpoint: Endpoint): fc.Arbitrary<Malformed> =>
  fc.oneof(...bodies(endpoint), ...heads(endpoint), ...proofs(endpoint))
