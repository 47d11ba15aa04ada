/**
 * The gate's verdicts on generated tokens are jose's, but for the differences below. docs/gate.md
 * gives the reasons.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import t from 'tap'
import { type Engine, ENGINES, startGate } from '../support/gate.ts'
import {
  type GeneratedToken,
  type GeneratorKeys,
  tokenGenerator,
} from '../support/generated-tokens.ts'
import { statusesOf } from '../support/pipeline.ts'
import { startBridge } from '../support/servers.ts'
import { AUDIENCE, ISSUER, newKey, now, TEST_ALGORITHMS } from '../support/tokens.ts'

/** Tokens per engine; all of the old one's come to it in new contexts, which takes its time. */
const TOKENS: Record<Engine['root'], number> = { stack: 200_000, stable: 20_000 }
const BATCH = 2000

/** `DRAWBRIDGE_SEED=n` generates others. */
const seed = Number(process.env.DRAWBRIDGE_SEED ?? 1)

const MAX_AGE = 3600

/** A token as its bytes say it, whatever is wrong with it. */
interface Reading {
  token: string
  header: Record<string, unknown>
  payload: Record<string, unknown>
}

const object = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function read(token: string): Reading {
  const [header = '', payload = ''] = token.split('.')
  const text = (part: string): string =>
    new TextDecoder().decode(Buffer.from(part.replaceAll(/\s/g, ''), 'base64url'))
  return {
    token,
    header: object(text(header)),
    payload: object(text(payload)),
  }
}

const isDeeperThan = (levels: number, value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((member) => isDeeperThan(levels - 1, member)))

const isPrintable = (value: unknown): boolean => typeof value === 'string' && /^[ -~]+$/.test(value)

const isFiniteOrNone = (value: unknown): boolean => value === undefined || Number.isFinite(value)

/** Where the gate refuses what jose lets pass. */
const DIFFERENCES: Record<string, (reading: Reading, engine: Engine) => boolean> = {
  'another spelling': ({ token }) =>
    token.split('.').some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part),
  'no kid': ({ header }) => typeof header.kid !== 'string' || header.kid === '',
  'crit or b64': ({ header }) => 'crit' in header || 'b64' in header,
  'an RSA key without alg': ({ header }) => header.kid === 'rsa-plain' && header.alg !== 'RS256',
  'an exponent other than 65537': ({ header }) => header.kid === 'rsa-exponent-3',
  // Both of Debian's.
  'EdDSA that this njs lacks': ({ header }) => header.alg === 'EdDSA',
  'sub, sid or client_id not printable': ({ payload }) =>
    !isPrintable(payload.sub) || !isPrintable(payload.sid) || !isPrintable(payload.client_id),
  'scope not printable': ({ payload }) => payload.scope !== '' && !isPrintable(payload.scope),
  'aud not printable': ({ payload }) =>
    Array.isArray(payload.aud) && !payload.aud.every(isPrintable),
  'roles no list of words': ({ payload }) =>
    payload.roles !== undefined &&
    payload.roles !== null &&
    !(
      Array.isArray(payload.roles) &&
      payload.roles.every((role) => typeof role === 'string' && /^[!-~]+$/.test(role))
    ),
  'a time that is no number': ({ payload }) =>
    !isFiniteOrNone(payload.exp) || !isFiniteOrNone(payload.nbf),
  'too long': ({ token }) => `Bearer ${token}`.length > 16_384,
  'nested deeply': ({ header, payload }, engine) =>
    engine.root === 'stable' && (isDeeperThan(31, header) || isDeeperThan(31, payload)),
  'a longer life': ({ payload }) => Number(payload.exp) - Number(payload.iat) > MAX_AGE,
}

/**
 * The one thing that jose refuses and the gate lets pass: the old engine's JSON.parse takes three
 * ways to write a number that JSON lacks. Only the issuer's signature makes such a token pass.
 */
const isLenient = (engine: Engine, what: string): boolean =>
  engine.root === 'stable' && /: a member (01|\.5|1\.)$/.test(what)

const signers: GeneratorKeys = {
  good: TEST_ALGORITHMS.map((alg) => newKey(`key-${alg}`, alg)),
  odd: [
    newKey('enc'),
    newKey('sign-only'),
    newKey('private'),
    newKey('rsa-plain', 'RS256'),
    newKey(
      'rsa-exponent-3',
      'RS256',
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }),
    ),
    newKey('rsa-1024', 'RS256', generateKeyPairSync('rsa', { modulusLength: 1024 })),
  ],
  stranger: newKey('key-ES256'),
}
const jwkOf = (kid: string): Record<string, unknown> => {
  const key = signers.odd.find((other) => other.kid === kid)
  if (key === undefined) throw new Error(`No key ${kid}`)
  return key.publicJwk
}
const privateKey = signers.odd.find((key) => key.kid === 'private')?.privateKey

const PUBLISHED: JSONWebKeySet = JSON.parse(
  JSON.stringify({
    keys: [
      ...signers.good.map((key) => key.publicJwk),
      { ...jwkOf('enc'), use: 'enc' },
      { ...jwkOf('sign-only'), use: undefined, key_ops: ['sign'] },
      { ...jwkOf('private'), d: privateKey?.export({ format: 'jwk' }).d },
      { ...jwkOf('rsa-plain'), alg: undefined },
      jwkOf('rsa-exponent-3'),
      jwkOf('rsa-1024'),
      { kty: 'oct', kid: 'oct', alg: 'HS256', k: 'c2VjcmV0' },
    ],
  }),
) as JSONWebKeySet

const keySet = createLocalJWKSet(PUBLISHED)

const passesJose = (token: string): Promise<boolean> =>
  jwtVerify(token, keySet, {
    issuer: ISSUER,
    audience: AUDIENCE,
    typ: 'at+jwt',
    algorithms: TEST_ALGORITHMS,
    clockTolerance: 5,
    maxTokenAge: MAX_AGE,
    requiredClaims: ['sub', 'sid', 'client_id', 'scope', 'exp'],
  }).then(
    () => true,
    () => false,
  )

t.setTimeout(300_000)

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const bridge = await startBridge(t, PUBLISHED.keys)
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        access_log off;
        keepalive_requests 1000000;
        large_client_header_buffers 4 32k;
        location / {
          set $drawbridge "
            audience ${AUDIENCE}; scope *; leeway 5; max_lifetime ${MAX_AGE};
            revocations_max_stale ${MAX_AGE};";
          PROTECT
          empty_gif;
        }`,
    })
    const next = tokenGenerator(seed, signers)
    const count = TOKENS[engine.root]
    t.comment(`seed ${seed}, ${count} tokens`)

    const seen = new Map<string, number>()
    const wrong: string[] = []
    let passed = 0
    const batch = (): GeneratedToken[] => {
      const at = now()
      return Array.from({ length: BATCH }, () => next(at))
    }
    let upcoming = batch()
    for (let done = 0; done < count; done += BATCH) {
      const tokens = upcoming
      const list = tokens.map(({ token }) => token)
      const verdicts = Promise.all([
        Promise.all(list.map(passesJose)),
        statusesOf(gate.socketPath, '/', list),
      ])
      if (done + BATCH < count) upcoming = batch()
      const [jose, first] = await verdicts
      // Some again: what the gate remembers may not change its mind.
      const again = await statusesOf(gate.socketPath, '/', list.slice(0, BATCH / 10))

      tokens.forEach(({ token, what }, i) => {
        const lenient = isLenient(engine, what)
        let expected = jose[i] === true || lenient ? 200 : 401
        if (expected === 200 && !lenient) {
          const reading = read(token)
          for (const [name, differs] of Object.entries(DIFFERENCES)) {
            if (!differs(reading, engine)) continue
            seen.set(name, (seen.get(name) ?? 0) + 1)
            expected = 401
          }
        }
        if (expected === 200) passed++
        if (first[i] !== expected || (again[i] ?? expected) !== expected) {
          wrong.push(
            `${what}: ${first[i] ?? ''}, ${again[i] ?? ''}, jose ${String(jose[i])}: ${token}`,
          )
        }
      })
    }
    t.same(wrong.slice(0, 20), [], `${wrong.length} verdicts differ`)
    t.comment(`${passed} pass, refused on purpose: ${JSON.stringify(Object.fromEntries(seen))}`)
    t.ok(passed > count / 5, 'the generator makes good tokens too')
    for (const name of Object.keys(DIFFERENCES)) {
      if (name === 'nested deeply' && engine.root === 'stack') continue
      t.ok(seen.has(name), `it happens: ${name}`)
    }
    t.notMatch(gate.errorLog(), /\[(emerg|alert|crit|error)\]/)
  })
}
