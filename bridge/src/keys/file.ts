import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import type { KeyEvents, Keys, PublicJwk } from './port.ts'
import { signingKey } from './signing-key.ts'

type Algorithm = PublicJwk['alg']

interface KeyFile {
  signing_key: string
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
function create(file: string, algorithm: Algorithm): void {
  const fresh: KeyFile = {
    signing_key: generate(algorithm),
    secret: randomBytes(32).toString('base64'),
  }
  const unfinished = `${file}.${randomUUID()}`
  writeFileSync(unfinished, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' })
  try {
    // Unlike a rename this fails where a file stands already, and nobody ever reads half of it.
    linkSync(unfinished, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(unfinished)
  }
}

function readOrCreate(file: string, algorithm: Algorithm): KeyFile {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as KeyFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  create(file, algorithm)
  return JSON.parse(readFileSync(file, 'utf8')) as KeyFile
}

/**
 * Custody `file`: for machines without Vault. Who can read the file can forge any token.
 * @param file made with fresh keys when missing, readable by its owner alone
 * @param algorithm of a key that is made; one that is there keeps its own
 */
export function fileKeys(
  file: string,
  algorithm: Algorithm = 'ES256',
  events?: Pick<KeyEvents, 'signed'>,
): Keys {
  const { signing_key, secret } = readOrCreate(file, algorithm)
  const key = signingKey(signing_key, 0)
  const own = { kid: 'file', secret: Buffer.from(secret, 'base64') }
  return {
    signer: {
      sign: async (typ, payload) => {
        const began = performance.now()
        const token = await key.sign(typ, payload)
        events?.signed((performance.now() - began) / 1000)
        return token
      },
      ready: () => Promise.resolve(),
      publicJwks: () => Promise.resolve([key.jwk]),
    },
    secrets: {
      current: () => Promise.resolve(own),
      find: (kid) => Promise.resolve(kid === own.kid ? own : undefined),
    },
    close: () => undefined,
  }
}
