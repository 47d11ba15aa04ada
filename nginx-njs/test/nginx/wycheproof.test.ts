/** Project Wycheproof's vectors, through the gate's own verification in real engines. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inRoot } from '../../../e2e/stack/roots.ts'
import { buildModule } from '../../build.ts'
import { ENGINES, startGate } from '../support/gate.ts'
import { startBridge } from '../support/servers.ts'
import type { SignatureVectors, TokenVectors } from '../support/vectors.ts'
import type { Question, Verdict } from '../support/vectors-module.ts'

interface Case {
  name: string
  question: Question
  passes: boolean
}

const MODULE = join(import.meta.dirname, '../support/vectors-module.ts')

const load = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/${name}.json`), 'utf8'))

/** What the gate decides otherwise than the vectors, by number, and why. */
const OTHERWISE: Record<string, { why: string; ids: number[] }[]> = {
  rsa_signature_2048_sha256: [{ why: 'an exponent other than 65537', ids: [258, 259] }],
  json_web_signature: [
    { why: 'HMAC', ids: [1, 348, 352, 357, 358, 359, 372, 373, 376, 377] },
    { why: 'RS384, RS512', ids: [264, 265, 266, 267, 268, 269, 270, 271] },
    { why: 'PS384, PS512', ids: [320, 321, 322, 323, 325, 326, 327, 328] },
    { why: 'P-521', ids: [347, 351] },
    { why: 'another alg than the key names', ids: [346, 350] },
    { why: 'an empty payload, which no JWT has', ids: [259, 272] },
  ],
  json_web_key: [
    { why: 'HMAC', ids: [2, 13, 14, 15] },
    { why: "ROCA: a weak key is its issuer's to withdraw", ids: [7] },
  ],
}

const passes = (name: string, id: number, result: string): boolean => {
  const otherwise = (OTHERWISE[name] ?? []).some(({ ids }) => ids.includes(id))
  // Of the `acceptable` ones, none is accepted.
  return (result === 'valid') !== otherwise
}

const signatures = (name: string): Case[] =>
  (load(name) as SignatureVectors).flatMap(({ jwk, tests }) =>
    tests.map(({ id, comment, message, signature, result }) => ({
      name: `${name} ${id} ${comment}`,
      question: { jwks: { keys: [{ ...jwk, kid: 'key' }] }, message, signature },
      passes: passes(name, id, result),
    })),
  )

const tokens = (name: string): Case[] =>
  (load(name) as TokenVectors).flatMap(({ jwks, tests }) =>
    tests.map(({ id, comment, jws, result }) => ({
      name: `${name} ${id} ${comment}`,
      question: { jwks, jws },
      passes: passes(name, id, result),
    })),
  )

const VECTORS = [
  ...signatures('ecdsa_secp256r1_sha256_p1363'),
  ...signatures('ecdsa_secp384r1_sha384_p1363'),
  ...signatures('rsa_signature_2048_sha256'),
  ...signatures('rsa_pss_2048_sha256_mgf1_32'),
  ...tokens('json_web_signature'),
  ...tokens('json_web_key'),
]
const ED25519 = signatures('ed25519')

const differences = (cases: Case[], verdicts: Verdict[]): string[] =>
  cases.flatMap(({ name, passes }, i) =>
    (verdicts[i] === true) === passes ? [] : [`${name}: ${String(verdicts[i])}`],
  )

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const bridge = await startBridge(t, [])
    const gate = await startGate(t, engine, {
      bridge,
      modules: { vectors: MODULE },
      server: `
        location = /vectors {
          client_max_body_size 4m;
          client_body_buffer_size 4m;
          js_content vectors.answer;
        }`,
    })
    const ask = async (cases: Case[]): Promise<Verdict[]> => {
      const body = JSON.stringify(cases.map(({ question }) => question))
      const headers: [string, string][] = [['Content-Length', String(Buffer.byteLength(body))]]
      const answer = await gate.request('/vectors', { method: 'POST', headers, body })
      t.equal(answer.status, 200)
      return JSON.parse(answer.body) as Verdict[]
    }

    t.test('verdicts', async (t) => {
      const verdicts = await ask(VECTORS)
      t.equal(verdicts.length, VECTORS.length)
      t.same(differences(VECTORS, verdicts), [])
    })

    t.test('Ed25519: a key that the build cannot import is left out, said once', async (t) => {
      const oneKey = ED25519.slice(0, 2)
      t.same(oneKey[0]?.question.jwks, oneKey[1]?.question.jwks)
      t.same(await ask(oneKey), ['no key', 'no key'])
      t.same(await ask(oneKey), ['no key', 'no key'])
      const lines = gate.errorLog().match(/cannot import the key "key" \(EdDSA\)/g)
      t.equal(lines?.length, 1)
    })
  })
}

t.test("Ed25519, in njs's own shell, which has it", async (t) => {
  const work = mkdtempSync(join(tmpdir(), 'drawbridge-vectors-'))
  t.teardown(() => {
    rmSync(work, { recursive: true })
  })
  const questions = JSON.stringify(ED25519.map(({ question }) => question))
  writeFileSync(
    join(work, 'ask.ts'),
    `import vectors from ${JSON.stringify(MODULE)}
     vectors.verdictsOn(${questions}).then((verdicts) => console.log(JSON.stringify(verdicts)))`,
  )
  await buildModule(join(work, 'ask.js'), join(work, 'ask.ts'))
  const [command = '', ...args] = inRoot('stack', ['njs', '-n', 'QuickJS', '-m', '/mnt/ask.js'], {
    binds: { '/mnt': work },
  })
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  t.equal(stderr, '')
  t.same(differences(ED25519, JSON.parse(stdout) as Verdict[]), [])
})
