/**
 * Makes the files of this folder from a clone of Project Wycheproof: `node trim.ts CLONE`. Keeps
 * what the gate can be asked, and of that only what the test reads.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SignatureVectors, TokenVectors } from '../support/vectors.ts'

type Jwk = Record<string, unknown>
interface Group {
  comment?: string
  public?: Jwk
  private?: Jwk
  publicKey?: Record<string, string>
  tests: { tcId: number; comment: string; msg: string; sig: string; jws: string; result: string }[]
}

const clone = process.argv[2] ?? ''

const source = (name: string): Group[] =>
  (
    JSON.parse(
      execFileSync('git', ['-C', clone, 'show', `HEAD:testvectors_v1/${name}_test.json`], {
        encoding: 'utf8',
        maxBuffer: 1e8,
      }),
    ) as { testGroups: Group[] }
  ).testGroups

/** A number of `length` bytes, or as long as it is, from hex with or without a leading zero. */
const number = (hex = '', length?: number): string => {
  const digits = hex.replace(/^(00)+/, '')
  return Buffer.from(digits.padStart((length ?? digits.length / 2) * 2, '0'), 'hex').toString(
    'base64url',
  )
}

const keep = (name: string, vectors: SignatureVectors | TokenVectors): void => {
  // A line for each test: a change of one can be seen.
  const text = JSON.stringify(vectors).replaceAll(/\{"(id|jwk)"/g, '\n{"$1"')
  writeFileSync(join(import.meta.dirname, `${name}.json`), `${text}\n`)
}

const signatures = (name: string, jwkOf: (key: Record<string, string>) => Jwk): void => {
  const groups = source(name).map((group) => ({
    jwk: jwkOf(group.publicKey ?? {}),
    tests: group.tests.map((test) => ({
      id: test.tcId,
      comment: test.comment,
      message: test.msg,
      signature: test.sig,
      result: test.result,
    })),
  }))
  keep(name, groups)
}

const elliptic =
  (crv: string, bytes: number) =>
  (key: Record<string, string>): Jwk => ({
    kty: 'EC',
    crv,
    x: number(key.wx, bytes),
    y: number(key.wy, bytes),
  })

const rsa =
  (alg: string) =>
  (key: Record<string, string>): Jwk => ({
    kty: 'RSA',
    alg,
    n: number(key.modulus),
    e: number(key.publicExponent),
  })

signatures('ecdsa_secp256r1_sha256_p1363', elliptic('P-256', 32))
signatures('ecdsa_secp384r1_sha384_p1363', elliptic('P-384', 48))
signatures('rsa_signature_2048_sha256', rsa('RS256'))
signatures('rsa_pss_2048_sha256_mgf1_32', rsa('PS256'))
signatures('ed25519', (key) => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(key.pk ?? '', 'hex').toString('base64url'),
}))

for (const name of ['json_web_signature', 'json_web_key']) {
  const groups = source(name).map((group) => {
    const key = group.public ?? group.private ?? {}
    return {
      jwks: Array.isArray(key.keys) ? { keys: key.keys as Jwk[] } : { keys: [key] },
      tests: group.tests.map(({ tcId, comment, jws, result }) => ({
        id: tcId,
        comment,
        jws,
        result,
      })),
    }
  })
  keep(name, groups)
}
