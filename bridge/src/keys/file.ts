import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import type { KeyEvents, KeyName, Keys, PublicJwk, Signer } from './port.ts'
import { signingKey, type SigningKey } from './signing-key.ts'

type Algorithm = PublicJwk['alg']

/** Of the file for ID tokens. */
interface SigningKeyFile {
  signing_key: string
}

interface KeyFile extends SigningKeyFile {
  secret: string
}

/** @see RFC 7518 §3.3 and §3.4 */
function generate(algorithm: Algorithm): string {
  const { privateKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** Makes the file unless it is there. Of two bridges that start at once, both read the same. */
function create(file: string, content: object): void {
  const unfinished = `${file}.${randomUUID()}`
  writeFileSync(unfinished, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
  try {
    // Unlike a rename this fails where a file stands already, and nobody ever reads half of it.
    linkSync(unfinished, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(unfinished)
  }
}

function readOrCreate<Content extends object>(file: string, fresh: () => Content): Content {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Content
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  create(file, fresh())
  return JSON.parse(readFileSync(file, 'utf8')) as Content
}

/** It never changes, so there is nothing that could be missing later. */
const fileSigner = (
  name: KeyName,
  key: SigningKey,
  events: Pick<KeyEvents, 'signed'> | undefined,
): Signer => ({
  sign: async (typ, payload) => {
    const began = performance.now()
    const token = await key.sign(typ, payload)
    events?.signed(name, (performance.now() - began) / 1000)
    return token
  },
  ready: () => Promise.resolve(),
  publicJwks: () => Promise.resolve([key.jwk]),
})

/** @throws TypeError if the file holds a key of another kind */
function readIdTokenKey(file: string): SigningKey {
  const stored = readOrCreate<SigningKeyFile>(file, () => ({ signing_key: generate('RS256') }))
  const key = signingKey(stored.signing_key, 0)
  if (key.jwk.alg !== 'RS256') throw new TypeError('The key for ID tokens must be of type RSA.')
  return key
}

/**
 * Custody `file`: for machines without Vault. Who can read the files can forge any token.
 * @param file made with fresh keys when missing, readable by its owner alone
 * @param algorithm of a key that is made; one that is there keeps its own
 * @param idTokenFile the same, for an RSA key that signs ID tokens alone. A file of its own, so that
 * one that was made without such a key is never written to
 * @throws TypeError if a file holds a key of another kind
 */
export function fileKeys(
  file: string,
  algorithm: Algorithm = 'ES256',
  events?: Pick<KeyEvents, 'signed'>,
  idTokenFile?: string,
): Keys {
  const { signing_key, secret } = readOrCreate<KeyFile>(file, () => ({
    signing_key: generate(algorithm),
    secret: randomBytes(32).toString('base64'),
  }))
  const own = { kid: 'file', secret: Buffer.from(secret, 'base64') }
  return {
    signer: fileSigner('signing', signingKey(signing_key, 0), events),
    idTokenSigner:
      idTokenFile === undefined
        ? undefined
        : fileSigner('id_token', readIdTokenKey(idTokenFile), events),
    secrets: {
      current: () => Promise.resolve(own),
      find: (kid) => Promise.resolve(kid === own.kid ? own : undefined),
    },
    close: () => undefined,
  }
}
