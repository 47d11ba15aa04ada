/** What can be wrong with a token: values, texts and spellings, some of them right after all. */
import { ASSERTION_TYP, REFRESH_TOKEN_TYP } from '@drawbridge/bridge/contract'
import { AUDIENCE, ISSUER, TEST_ALGORITHMS } from './tokens.ts'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** All that may stand in a part of a token. */
export const BASE64URL_CHARACTERS = BASE64URL.split('')

/**
 * Characters that may not. No CR, LF or NUL: they cannot be sent. No space: at either end nginx
 * takes it off.
 */
export const INTRUDERS = '\u0001\u007f!"#$%&\'()*+,/:;<=>?@[\\]^`{|}~é€'.split('')

/** Values for any claim or header member, as they are written. */
export const VALUES = [
  ...['null', 'true', 'false', '0', '1', '-1', '1.5', '-0', '1e400', '-1e400', '1e-400'],
  ...['9007199254740993', '""', '" "', '"x"', '"0"', '"null"', '"NaN"', '"Infinity"'],
  ...['[]', '{}', '[[]]', '[null]', '[1]', '["x"]', '[""]', '["a b"]', '["a","b"]', '{"a":1}'],
  ...['"\\u0000"', '"a\\nb"', '"a\\r\\nX-Evil: 1"', '"\\ud800"', '"\\udc00\\ud800"', '"ü"', '"😀"'],
  ...['"\\u202e"', '"\\u007f"', '"a\\tb"', '"\\u00a0"', '"\\u0041"', '"\\/"', '"\\""', '"\\\\"'],
  `"${'x'.repeat(600)}"`,
  `[${'"x",'.repeat(400)}"x"]`,
]

/** Names of claims, and some that every object of JavaScript knows. */
export const CLAIMS = [
  ...['iss', 'aud', 'sub', 'sid', 'client_id', 'scope', 'exp', 'iat', 'nbf', 'roles'],
  ...['jti', 'auth_time', 'amr', 'cnf', '__proto__', 'constructor', 'toString', 'length'],
]

/** Values of `aud`; some are right. */
export const AUDIENCES = [
  `"${AUDIENCE}/"`,
  `"${AUDIENCE.toUpperCase()}"`,
  `"${AUDIENCE} "`,
  `["${AUDIENCE}"]`,
  `["x","${AUDIENCE}"]`,
  `["${AUDIENCE}","${AUDIENCE}"]`,
  `["${AUDIENCE}",1]`,
  `["${AUDIENCE}",null]`,
  `["${AUDIENCE}",""]`,
  `["${AUDIENCE}","ü"]`,
  `[["${AUDIENCE}"]]`,
  `{"0":"${AUDIENCE}"}`,
  `["x ${AUDIENCE}"]`,
  `[${'"x",'.repeat(1000)}"${AUDIENCE}"]`,
]

/** Values of `iss`; some are right. */
export const ISSUERS = [
  `"${ISSUER}/"`,
  `["${ISSUER}"]`,
  `"${ISSUER}.evil.example"`,
  `"${ISSUER.toUpperCase()}"`,
  `"${ISSUER.replace('/', '\\/')}"`,
  `"${ISSUER.replace('i', '\\u0069')}"`,
  `" ${ISSUER}"`,
]

/** Values of `typ`; some are right. */
export const TYPES = [
  ...[`"${REFRESH_TOKEN_TYP}"`, `"${ASSERTION_TYP}"`, '"at+JWT"', '"AT+JWT"', '"JWT"', '"jwt"'],
  ...['"application/at+jwt"', '"APPLICATION/AT+JWT"', '"application/application/at+jwt"'],
  ...['"text/at+jwt"', '"at+jwt "', '" at+jwt"', '"at jwt"', '"at+jwt;v=1"', '"/at+jwt"', '"at"'],
]

/** Values of `alg`; some are right. */
export const ALGS = [
  ...['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS384', 'HS512', 'ES512', 'ES256K', 'es256'],
  ...['RS1', 'RS384', 'RS512', 'PS384', 'PS512', 'Ed25519', 'Ed448', 'RSA-OAEP', 'dir', 'ES256 '],
  ...TEST_ALGORITHMS,
].map((alg) => JSON.stringify(alg))

/** Members that a header may bring beside those that it needs. */
export const HEADER_MEMBERS: [string, string][] = [
  ...['[]', '["exp"]', '["alg"]', '["b64"]', '["b64","b64"]', '["x-unknown"]', '"b64"', '[""]'].map(
    (json): [string, string] => ['crit', json],
  ),
  ...['null', '[null]', '{}', 'true', '["toString"]', '["__proto__"]'].map(
    (json): [string, string] => ['crit', json],
  ),
  ...['true', 'false', 'null', '"false"', '0'].map((json): [string, string] => ['b64', json]),
  ['cty', '"JWT"'],
  ['zip', '"DEF"'],
  ['enc', '"A256GCM"'],
  ['jku', '"https://evil.example/jwks.json"'],
  ['x5u', '"https://evil.example/chain.pem"'],
  ['x5c', '["AAAA"]'],
  ['jwk', '{"kty":"oct","k":"c2VjcmV0"}'],
  ['__proto__', '{"crit":["x"]}'],
  ['constructor', '{}'],
]

/** Other texts for one JSON object: some say the same, most are no JSON. */
export const REWRITINGS: Record<string, (text: string) => string | Buffer> = {
  'white space': (text) => ` \t\r\n${text.replaceAll(',', ' ,\n')} `,
  'a byte order mark': (text) => `\ufeff${text}`,
  'two byte order marks': (text) => `\ufeff\ufeff${text}`,
  'a vertical tab': (text) => `\v${text}`,
  'a form feed': (text) => `${text}\f`,
  'a no-break space': (text) => `\u00a0${text}`,
  'a line separator around': (text) => `${text}\u2028`,
  'a line separator within': (text) => text.replace('}', ',"x":"\u2028"}'),
  'a trailing comma': (text) => text.replace(/}$/, ',}'),
  'a leading comma': (text) => text.replace('{', '{,'),
  'a trailing comma in a list': (text) => text.replace('}', ',"x":[1,]}'),
  'a hole in a list': (text) => text.replace('}', ',"x":[1,,2]}'),
  'a comment': (text) => text.replace('{', '{/* */'),
  'a line comment': (text) => `${text}//`,
  'single quotes': (text) => text.replaceAll('"', "'"),
  'a bare name': (text) => text.replace(/"(\w+)":/, '$1:'),
  'an escaped name': (text) =>
    text.replace(
      /"(\w)/,
      (_, first: string) => `"\\u00${first.charCodeAt(0).toString(16).padStart(2, '0')}`,
    ),
  'a bad escape': (text) => text.replace('}', ',"x":"\\x41"}'),
  'a short escape': (text) => text.replace('}', ',"x":"\\u41"}'),
  'a raw control character': (text) => text.replace('}', ',"x":"\u0001"}'),
  'a raw line break': (text) => text.replace('}', ',"x":"\n"}'),
  'a raw delete': (text) => text.replace('}', ',"x":"\u007f"}'),
  'a NUL': (text) => `${text}\0`,
  'a NUL within': (text) => text.replace('}', ',"x":"\0"}'),
  'another object behind': (text) => `${text}{}`,
  'a letter behind': (text) => `${text}x`,
  'cut short': (text) => text.slice(0, -1),
  'one brace too many': (text) => `${text}}`,
  'in a list': (text) => `[${text}]`,
  'in a string': (text) => JSON.stringify(text),
  'a list': () => '[]',
  'a number': () => '1',
  null: () => 'null',
  true: () => 'true',
  nothing: () => '',
  'white space only': () => '  ',
  'an empty object': () => '{}',
  undefined: () => 'undefined',
  'half a string': (text) => text.replace(/"}?$/, ''),
  'a repeated colon': (text) => text.replace(':', '::'),
  ...Object.fromEntries(
    [
      ...[
        'NaN',
        'Infinity',
        '+1',
        '01',
        '.5',
        '1.',
        '0x10',
        '1e',
        '1_000',
        '--1',
        '-',
        '1n',
        '1 2',
      ],
      ...['undefined', 'True', 'nul', '""x', '1e5', '-1.5E-3', '{}', '[[{}]]', '"\\ud83d\\ude00"'],
    ].map((json) => [`a member ${json}`, (text: string) => text.replace(/}$/, `,"x":${json}}`)]),
  ),
  'a name that is empty': (text) => text.replace(/}$/, ',"":1}'),
  'lists in lists': (text) => text.replace(/}$/, `,"x":${'['.repeat(20)}${']'.repeat(20)}}`),
  'objects in objects': (text) =>
    text.replace(/}$/, `,"x":${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`),
  'lists in lists, deep': (text) =>
    text.replace(/}$/, `,"x":${'['.repeat(3000)}${']'.repeat(3000)}}`),
  'objects in objects, deep': (text) =>
    text.replace(/}$/, `,"x":${'{"a":'.repeat(1500)}1${'}'.repeat(1500)}}`),
  'opening brackets': () => '['.repeat(11_000),
  'too long': (text) => text.replace(/}$/, `,"x":"${'x'.repeat(13_000)}"}`),
  'UTF-16': (text) => Buffer.from(text, 'utf16le'),
  'a byte that is no UTF-8': (text) => bytesWithin(text, [0xff]),
  'a stray continuation byte': (text) => bytesWithin(text, [0x80]),
  'an overlong NUL': (text) => bytesWithin(text, [0xc0, 0x80]),
  'an overlong slash': (text) => bytesWithin(text, [0xe0, 0x80, 0xaf]),
  'an encoded surrogate': (text) => bytesWithin(text, [0xed, 0xa0, 0x80]),
  'a character beyond Unicode': (text) => bytesWithin(text, [0xf4, 0x90, 0x80, 0x80]),
  'a cut character': (text) => bytesWithin(text, [0xe2, 0x82]),
  'a cut character at the end': (text) =>
    Buffer.concat([Buffer.from(text), Buffer.from([0xe2, 0x82])]),
  'four good bytes': (text) => bytesWithin(text, [0xf0, 0x9f, 0x98, 0x80]),
}

const bytesWithin = (text: string, bytes: number[]): Buffer =>
  Buffer.concat([Buffer.from(`${text.slice(0, -1)},"x":"`), Buffer.from(bytes), Buffer.from('"}')])

/** Other spellings of one base64url text. */
export const SPELLINGS: Record<string, (part: string) => string> = {
  padding: (part) => part + '='.repeat((4 - (part.length % 4)) % 4 || 1),
  'too much padding': (part) => `${part}====`,
  'padding in front': (part) => `=${part}`,
  'the other alphabet': (part) => part.replaceAll('-', '+').replaceAll('_', '/'),
  'a space within': (part) => `${part.slice(0, 8)} ${part.slice(8)}`,
  'a tab within': (part) => `${part.slice(0, 8)}\t${part.slice(8)}`,
  'a form feed within': (part) => `${part.slice(0, 8)}\f${part.slice(8)}`,
  'percent encoding': (part) =>
    part.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`),
  'other bits left over': (part) => {
    const used = [6, 6, 4, 2][part.length % 4] ?? 6
    if (used === 6) return part
    const last = BASE64URL.indexOf(part.slice(-1))
    return part.slice(0, -1) + (BASE64URL[last ^ 1] ?? '')
  },
  'a character too many': (part) => `${part}A`,
  'a character too few': (part) => part.slice(0, -1),
  'four characters too many': (part) => `${part}AAAA`,
  'a comma within': (part) => `${part.slice(0, 8)},${part.slice(8)}`,
  'a full-width letter': (part) => `\uff21${part.slice(1)}`,
  nothing: () => '',
}
