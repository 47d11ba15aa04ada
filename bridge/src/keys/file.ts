import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Keys } from './port.ts'
import { signingKey } from './signing-key.ts'

interface KeyFile {
  signing_key: string
  secret: string
}

function readOrCreate(file: string): KeyFile {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  })
  const fresh: KeyFile = { signing_key: privateKey, secret: randomBytes(32).toString('base64') }
  try {
    // `wx` fails where a file stands already, so two bridges that start at once agree on one.
    writeFileSync(file, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return JSON.parse(readFileSync(file, 'utf8')) as KeyFile
  }
}

/**
 * Custody `file`: for machines without Vault. Who can read the file can forge any token.
 * @param file made with fresh keys when missing, readable by its owner alone
 */
export function fileKeys(file: string): Keys {
  const { signing_key, secret } = readOrCreate(file)
  const key = signingKey(signing_key, 0)
  const own = { kid: 'file', secret: Buffer.from(secret, 'base64') }
  return {
    signer: {
      sign: (typ, payload) => Promise.resolve(key.sign(typ, payload)),
      publicJwks: () => Promise.resolve([key.jwk]),
    },
    secrets: {
      current: () => Promise.resolve(own),
      find: (kid) => Promise.resolve(kid === own.kid ? own : undefined),
    },
    close: () => undefined,
  }
}
