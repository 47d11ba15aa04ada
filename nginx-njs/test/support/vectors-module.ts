/**
 * An njs module for the tests: the gate's own way from published keys and a signature to yes or
 * no, without its claims. Runs on the old engine too: see eslint-njs.ts.
 */
import { readHeader } from '../../src/header.ts'
import type { PublishedKey } from '../../src/jwks.ts'
import { readJwks } from '../../src/jwks.ts'
import { parseCompactJws } from '../../src/jws.ts'
import { isSignedBy, usableKeys } from '../../src/signature.ts'

/** Either a token, or a message and a signature, in hex, by the first of the keys. */
export interface Question {
  jwks: { keys: Record<string, unknown>[] }
  jws?: string
  message?: string
  signature?: string
}

/** Yes, no, or no key that this build of njs verifies with. */
export type Verdict = boolean | 'no key'

async function verdictOnToken(token: string, keys: PublishedKey[]): Promise<boolean> {
  const jws = parseCompactJws(token)
  if (jws === undefined) return false
  // The vectors are no access tokens: their `typ` is not looked at.
  const header = readHeader(Object.assign({}, jws.header, { typ: 'at+jwt' }))
  if (typeof header === 'string') return false
  const key = keys.find((candidate) => candidate.kid === header.kid)
  if (key === undefined || key.alg !== header.alg) return false
  return isSignedBy(key, jws)
}

async function verdictOn(question: Question): Promise<Verdict> {
  const url = 'https://vectors.example/jwks.json'
  const published = readJwks(url, JSON.stringify(question.jwks))
  if (published === undefined) return 'no key'
  const keys = await usableKeys(url, published)
  const first = keys[0]
  if (first === undefined) return 'no key'
  if (question.jws !== undefined) return verdictOnToken(question.jws, keys)
  const signed = {
    signingInput: Buffer.from(question.message ?? '', 'hex'),
    signature: Buffer.from(question.signature ?? '', 'hex'),
  }
  return isSignedBy(first, signed)
}

async function verdictsOn(questions: Question[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (let i = 0; i < questions.length; i++) {
    const verdict = await verdictOn(questions[i] as Question)
    verdicts.push(verdict)
  }
  return verdicts
}

/** What it uses of njs's request. */
interface Request {
  requestText?: string
  return: (status: number, body: string) => void
}

/** `js_content`: answers to a list of questions with the list of verdicts. */
async function answer(r: Request): Promise<void> {
  const questions = JSON.parse(r.requestText ?? '') as Question[]
  const verdicts = await verdictsOn(questions)
  r.return(200, JSON.stringify(verdicts))
}

export default { answer, verdictsOn }
