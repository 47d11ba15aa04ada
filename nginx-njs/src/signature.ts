import { ALGORITHMS, type Algorithm } from './algorithms.ts'
import type { PublishedKey } from './jwks.ts'
import type { CompactJws } from './jws.ts'
import { textZone } from './zones.ts'

// Where the engine keeps a context, a key is imported once. Bounded by what a few issuers publish.
const MOST_KEPT = 32
type Kept = Partial<Record<string, CryptoKey>>
const nothingKept = (): Kept => Object.create(null) as Kept
let kept = nothingKept()
let keptCount = 0

async function importKey(key: PublishedKey): Promise<CryptoKey> {
  const algorithm: Algorithm = ALGORITHMS[key.alg]
  const cryptoKey = await crypto.subtle.importKey(
    'jwk',
    key.jwk as JWK,
    // njs-types do not know Ed25519 yet.
    algorithm.import as ImportAlgorithm,
    false,
    ['verify'],
  )
  if (keptCount >= MOST_KEPT) {
    kept = nothingKept()
    keptCount = 0
  }
  kept[key.id] = cryptoKey
  keptCount++
  return cryptoKey
}

// A set is fetched every minute; what it lacks is said once a day. Milliseconds.
const SAY_AGAIN_AFTER = 86400000

function sayLeftOut(url: string, key: PublishedKey, why: string): void {
  if (!textZone('drawbridge_fetches').add(`left out: ${key.id}`, 'said', SAY_AGAIN_AFTER)) return
  const name = `${JSON.stringify(key.kid)} (${key.alg})`
  ngx.log(
    ngx.WARN,
    `drawbridge: this build of njs cannot import the key ${name} of ${url}, its tokens are refused: ${why}`,
  )
}

/**
 * Those of `keys` that this build of njs can verify with: builds differ in the algorithms that they
 * know, so each is tried. The error log names those that are left out.
 * @param url where the keys were published
 */
export async function usableKeys(url: string, keys: PublishedKey[]): Promise<PublishedKey[]> {
  const usable: PublishedKey[] = []
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as PublishedKey
    try {
      if (kept[key.id] === undefined) await importKey(key)
      usable.push(key)
    } catch (error) {
      sayLeftOut(url, key, (error as Error).message)
    }
  }
  return usable
}

/** What is asked of a signature. */
type Signed = Pick<CompactJws, 'signingInput' | 'signature'>

const verifyWith = (cryptoKey: CryptoKey, algorithm: Algorithm, jws: Signed): Promise<boolean> =>
  crypto.subtle.verify(
    algorithm.verify as SignOrVerifyAlgorithm,
    cryptoKey,
    jws.signature,
    jws.signingInput,
  )

async function importAndVerify(key: PublishedKey, jws: Signed): Promise<boolean> {
  const cryptoKey = await importKey(key)
  return verifyWith(cryptoKey, ALGORITHMS[key.alg], jws)
}

// Some builds throw where others say no, for example at an `s` beyond the order of the curve.
const asNo = (): boolean => false

/**
 * Whether `key` made the signature. It never throws: what cannot be verified is not signed.
 * @see RFC 7515 §5.2
 */
export function isSignedBy(key: PublishedKey, jws: Signed): Promise<boolean> {
  const algorithm: Algorithm = ALGORITHMS[key.alg]
  const length = algorithm.signatureLength
  if (length !== undefined && jws.signature.length !== length) return Promise.resolve(false)
  const known = kept[key.id]
  if (known === undefined) return importAndVerify(key, jws).catch(asNo)
  return verifyWith(known, algorithm, jws).catch(asNo)
}
