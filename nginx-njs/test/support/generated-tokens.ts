/** Tokens of every kind of wrong, and right ones between them, from a seed. */
import { createHmac, randomBytes, sign } from 'node:crypto'
import { ACCESS_TOKEN_TYP } from '@drawbridge/bridge/contract'
import {
  ALGS,
  AUDIENCES,
  BASE64URL_CHARACTERS,
  CLAIMS,
  HEADER_MEMBERS,
  INTRUDERS,
  ISSUERS,
  REWRITINGS,
  SPELLINGS,
  TYPES,
  VALUES,
} from './token-faults.ts'
import { AUDIENCE, ISSUER, signatureOf, TEST_ALGORITHMS, type TestKey } from './tokens.ts'

export interface GeneratedToken {
  token: string
  /** What was done to it. */
  what: string
}

/** Members of a JSON object, each value as it is written: names may come twice, numbers be huge. */
type Members = [name: string, json: string][]

const write = (members: Members): string =>
  `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`

const set = (members: Members, name: string, json: string): Members => {
  const others = members.filter(([other]) => other !== name)
  return [...others, [name, json]]
}

const without = (members: Members, name: string): Members =>
  members.filter(([other]) => other !== name)

const encode = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64url')

/** What the generator signs with. */
export interface GeneratorKeys {
  /** Published, one of each algorithm, ES256 first. */
  good: TestKey[]
  /** Published in a way that no verifier may use them, or only for something else. */
  odd: TestKey[]
  /** Not published, under the kid of the first good one. */
  stranger: TestKey
}

// The margin between a time and the edge that it stands beside: nothing here may race the clock.
const MARGIN = 10
const LEEWAY = 5

/**
 * Makes tokens from a seed: the same seed gives the same mutations of the same claims; the keys
 * and ECDSA's signatures differ from run to run.
 * @returns a function that gives the next token, its times relative to `now` in seconds
 */
export function tokenGenerator(seed: number, keys: GeneratorKeys): (now: number) => GeneratedToken {
  // Mulberry32 rather than fast-check. A token has few faults, and `what` names them: there is
  // nothing to shrink. 200,000 tokens go through the gate in batches, by weights: fast-check would
  // ask about each by itself. And a seed gives the same faults under any version of any library.
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number): number => Math.floor(random() * n)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T

  const [main, ...others] = keys.good as [TestKey, ...TestKey[]]
  // RSA signs slowly.
  const anyKey = (): TestKey => (random() < 0.96 ? main : pick(others))

  const goodHeader = (key: TestKey): Members => [
    ['alg', JSON.stringify(key.alg)],
    ['typ', JSON.stringify(ACCESS_TOKEN_TYP)],
    ['kid', JSON.stringify(key.kid)],
  ]
  let serial = 0
  const goodClaims = (now: number): Members => [
    ['iss', JSON.stringify(ISSUER)],
    ['aud', JSON.stringify(AUDIENCE)],
    ['sub', JSON.stringify(String(serial++))],
    ['client_id', '"drawbridge-pwa"'],
    ['scope', '"odoo.read odoo.write"'],
    ['exp', String(now + 570)],
    ['iat', String(now - 30)],
    ['jti', JSON.stringify(String(below(1e9)))],
    ['sid', '"session-1"'],
    ['roles', '["internal","sales"]'],
  ]

  const flip = (bytes: Buffer): void => {
    const at = below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << below(8))
  }

  const signed = (key: TestKey, header: string, payload: string, alg = key.alg): string => {
    const input = `${header}.${payload}`
    return `${input}.${signatureOf(key, input, alg).toString('base64url')}`
  }
  const jwt = (key: TestKey, header: Members, payload: Members): string =>
    signed(key, encode(write(header)), encode(write(payload)))

  const times = (edge: number, now: number): string[] => {
    const beside = [edge - MARGIN, edge + MARGIN]
    const far = [-60, -3500, -3700, -86400, 300, 3500, 3600, 3700, 86400, 1e9, -1e9]
    const time = now + pick(random() < 0.4 ? beside : far)
    return [String(time), `${time}.25`, `${time}e0`, `"${time}"`, `${time}000`]
  }

  const valueFor = (claim: string, now: number): string => {
    const kinds: Record<string, readonly string[]> = {
      iss: ISSUERS,
      aud: AUDIENCES,
      exp: times(-LEEWAY, now),
      iat: times(LEEWAY, now),
      nbf: times(LEEWAY, now),
    }
    const own = kinds[claim]
    return own !== undefined && random() < 0.6 ? pick(own) : pick(VALUES)
  }

  const makers: [weight: number, (now: number) => GeneratedToken][] = [
    [
      12,
      (now) => {
        const key = random() < 0.9 ? main : pick(others)
        return { token: jwt(key, goodHeader(key), goodClaims(now)), what: `nothing, ${key.alg}` }
      },
    ],
    [
      30,
      (now) => {
        const key = anyKey()
        const claim = pick(CLAIMS)
        const good = goodClaims(now)
        const dice = random()
        const value = valueFor(claim, now)
        if (dice < 0.1) {
          const token = jwt(key, goodHeader(key), without(good, claim))
          return { token, what: `no ${claim}` }
        }
        if (dice < 0.2) {
          const first: Members = [[claim, value], ...good]
          const last: Members = [...good, [claim, value]]
          const token = jwt(key, goodHeader(key), pick([first, last]))
          return { token, what: `${claim} twice, once ${value}` }
        }
        if (dice < 0.25) {
          const hidden: Members = [...without(good, claim), ['__proto__', write(good)]]
          const token = jwt(key, goodHeader(key), hidden)
          return { token, what: `${claim} in __proto__` }
        }
        const token = jwt(key, goodHeader(key), set(good, claim, value))
        return { token, what: `${claim} ${value}` }
      },
    ],
    [
      4,
      (now) => {
        let claims = goodClaims(now)
        const names = [pick(CLAIMS), pick(CLAIMS), pick(['exp', 'iat', 'nbf'])]
        for (const name of names) claims = set(claims, name, valueFor(name, now))
        return { token: jwt(main, goodHeader(main), claims), what: `several: ${names.join(' ')}` }
      },
    ],
    [
      12,
      (now) => {
        const key = random() < 0.85 ? main : pick(others)
        const good = goodHeader(key)
        const kids = [...keys.good, ...keys.odd].map((other) => other.kid)
        const [name, json] = pick<() => [string, string]>([
          () => ['alg', pick(ALGS)],
          () => ['alg', pick(VALUES)],
          () => ['typ', pick(TYPES)],
          () => ['typ', pick(VALUES)],
          () => ['kid', JSON.stringify(pick(kids))],
          () => ['kid', pick(VALUES)],
          () => ['kid', JSON.stringify(pick([' key', `${key.kid} `, '__proto__', 'toString']))],
          () => pick(HEADER_MEMBERS),
        ])()
        const dice = random()
        const header: Members =
          dice < 0.1
            ? without(good, name)
            : dice < 0.2
              ? pick<Members>([
                  [[name, json], ...good],
                  [...good, [name, json]],
                ])
              : set(good, name, json)
        const critical: Members =
          name === 'b64' && random() < 0.5 ? [...header, ['crit', '["b64"]']] : header
        const token = jwt(key, critical, goodClaims(now))
        return { token, what: `header ${write(critical)}` }
      },
    ],
    [
      10,
      (now) => {
        const name = pick(Object.keys(REWRITINGS))
        const rewrite = REWRITINGS[name] as (text: string) => string | Buffer
        const header = write(goodHeader(main))
        const payload = write(goodClaims(now))
        if (random() < 0.35) {
          const token = signed(main, encode(rewrite(header)), encode(payload))
          return { token, what: `the header's text: ${name}` }
        }
        const token = signed(main, encode(header), encode(rewrite(payload)))
        return { token, what: `the payload's text: ${name}` }
      },
    ],
    [
      8,
      (now) => {
        const name = pick(Object.keys(SPELLINGS))
        const respell = SPELLINGS[name] as (part: string) => string
        const header = encode(write(goodHeader(main)))
        const payload = encode(write(goodClaims(now)))
        const where = below(3)
        if (where === 0)
          return { token: signed(main, respell(header), payload), what: `header: ${name}` }
        if (where === 1)
          return { token: signed(main, header, respell(payload)), what: `payload: ${name}` }
        const [h, p, s] = signed(main, header, payload).split('.') as [string, string, string]
        return { token: `${h}.${p}.${respell(s)}`, what: `signature: ${name}` }
      },
    ],
    [14, (now) => brokenToken(now)],
    [6, (now) => otherSignature(now)],
    [
      3,
      (now) => {
        // Every key under every algorithm that its kind can sign by, and under each one's name.
        const key = pick([...keys.good, ...keys.odd])
        const rsa = key.privateKey.asymmetricKeyType === 'rsa'
        const by = rsa ? pick(['RS256', 'PS256'] as const) : key.alg
        const named = random() < 0.6 ? by : pick(TEST_ALGORITHMS)
        const header = set(goodHeader(key), 'alg', JSON.stringify(named))
        const token = signed(key, encode(write(header)), encode(write(goodClaims(now))), by)
        return { token, what: `key ${key.kid}, signed by ${by}, named ${named}` }
      },
    ],
    [
      1,
      (now) => {
        const inner = jwt(main, goodHeader(main), goodClaims(now))
        const header = encode(write([...goodHeader(main), ['cty', '"JWT"']]))
        return { token: signed(main, header, encode(inner)), what: 'a JWT in a JWT' }
      },
    ],
  ]

  // Signatures last for these: what they are under changes anyway.
  let donor = ''
  let donorFrom = 0
  const goodToken = (now: number): string => {
    if (donorFrom !== now || random() < 0.05) {
      donor = jwt(main, goodHeader(main), goodClaims(now))
      donorFrom = now
    }
    return donor
  }

  const brokenToken = (now: number): GeneratedToken => {
    const good = goodToken(now)
    const [h, p, s] = good.split('.') as [string, string, string]
    const at = below(good.length)
    const json = JSON.stringify({ protected: h, payload: p, signature: s })
    return pick<() => GeneratedToken>([
      () => ({
        token: good.slice(0, at) + pick(BASE64URL_CHARACTERS) + good.slice(at + 1),
        what: 'another character',
      }),
      () => {
        const byte = pick(INTRUDERS)
        return {
          token: good.slice(0, at) + byte + good.slice(at + 1),
          what: `a ${JSON.stringify(byte)} at ${at}`,
        }
      },
      () => ({ token: good.slice(0, Math.max(1, at)), what: 'cut short' }),
      () => ({ token: good.slice(at), what: 'the front cut off' }),
      () => ({ token: good.slice(0, at) + good.slice(at + 1), what: 'a character left out' }),
      () => ({ token: `${good.slice(0, at)}.${good.slice(at)}`, what: 'one more dot' }),
      () => {
        const bytes = Buffer.from(s, 'base64url')
        flip(bytes)
        return { token: `${h}.${p}.${encode(bytes)}`, what: 'a bit of the signature' }
      },
      () => {
        const bytes = Buffer.from(p, 'base64url')
        flip(bytes)
        return { token: `${h}.${encode(bytes)}.${s}`, what: 'a bit of the payload' }
      },
      () => {
        const parts = pick([
          [p, h, s],
          [h, s, p],
          [h, p],
          [h, p, s, s],
          [h, p, s, ''],
          ['', h, p, s],
          [h, '', s],
          ['', p, s],
          [h, p, ''],
          ['', '', ''],
          [h, h, s],
          [p, p, s],
          [h, p, s, h, p],
          [good, good],
        ])
        return { token: parts.join('.') || '.', what: `parts in another way: ${parts.length}` }
      },
      () => ({
        token: pick([json, encode(json), good.toUpperCase(), `"${good}"`, `${good},${good}`]),
        what: 'another form',
      }),
      () => {
        const swapped = write(set(goodClaims(now), 'sub', '"2"'))
        return {
          token: `${h}.${encode(swapped)}.${s}`,
          what: 'another payload under the signature',
        }
      },
    ])()
  }

  const otherSignature = (now: number): GeneratedToken => {
    const good = goodToken(now)
    const input = good.slice(0, good.lastIndexOf('.'))
    const signature = Buffer.from(good.slice(input.length + 1), 'base64url')
    const header = encode(write(goodHeader(main)))
    const hmac = (alg: string, secret: string | Buffer): string => {
      const confused = encode(write(set(goodHeader(main), 'alg', JSON.stringify(alg))))
      const under = `${confused}.${encode(write(goodClaims(now)))}`
      return `${under}.${createHmac(`sha${alg.slice(2)}`, secret)
        .update(under)
        .digest('base64url')}`
    }
    // The order of P-256: -s is as good a signature as s, by ECDSA's own rule.
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const number = (n: bigint): Buffer => Buffer.from(n.toString(16).padStart(64, '0'), 'hex')
    const r = signature.subarray(0, 32)
    const s = BigInt(`0x${signature.toString('hex', 32)}`)
    const [what, bytes] = pick<() => [string, Buffer]>([
      () => ['random', randomBytes(64)],
      () => ['zeros', Buffer.alloc(64)],
      () => ['r zero', Buffer.concat([Buffer.alloc(32), number(s)])],
      () => ['s zero', Buffer.concat([r, Buffer.alloc(32)])],
      () => ['r and s one', Buffer.concat([number(1n), number(1n)])],
      () => ['r the order', Buffer.concat([number(order), number(s)])],
      () => ['s the order', Buffer.concat([r, number(order)])],
      () => ['-s', Buffer.concat([r, number(order - s)])],
      () => ['ones', Buffer.alloc(64, 0xff)],
      () => ['doubled', Buffer.concat([signature, signature])],
      () => ['a zero in front', Buffer.concat([Buffer.alloc(1), signature])],
      () => ['the first half', signature.subarray(0, 32)],
      () => ['r and s swapped', Buffer.concat([number(s), r])],
      () => ['DER', sign('sha256', Buffer.from(input), main.privateKey)],
      () => [
        'by SHA-384',
        sign('sha384', Buffer.from(input), { key: main.privateKey, dsaEncoding: 'ieee-p1363' }),
      ],
      () => ['over the payload alone', signatureOf(main, input.slice(input.indexOf('.') + 1))],
      () => ['of a stranger', signatureOf(keys.stranger, input)],
    ])()
    const dice = random()
    if (dice < 0.15) {
      const spki = main.publicKey.export({ format: 'pem', type: 'spki' })
      const token = hmac(
        pick(['HS256', 'HS384', 'HS512']),
        pick<string | Buffer>([spki, '', 'secret']),
      )
      return { token, what: 'HMAC with what is public' }
    }
    if (dice < 0.2) {
      const token = signed(keys.stranger, header, encode(write(goodClaims(now))))
      return { token, what: 'by a stranger' }
    }
    return { token: `${input}.${encode(bytes)}`, what: `signature ${what}` }
  }

  const total = makers.reduce((sum, [weight]) => sum + weight, 0)
  return (now) => {
    let left = random() * total
    for (const [weight, make] of makers) {
      left -= weight
      if (left < 0) return make(now)
    }
    throw new Error('The weights do not add up')
  }
}
