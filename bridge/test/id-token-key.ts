/** The key for RS256 ID tokens, for the unit tests. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folderOf } from './registered-clients.ts'

/** An RSA key, as one stands in ID_TOKEN_KEY_FILE. */
export const newRsaPem = (modulusLength = 2048): string =>
  generateKeyPairSync('rsa', { modulusLength })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString()

/** Settings of a bridge that has this key for ID tokens. */
export function withIdTokenKey(t: Test, pem: string) {
  const ID_TOKEN_KEY_FILE = join(folderOf(t), 'id-token-key.json')
  writeFileSync(ID_TOKEN_KEY_FILE, JSON.stringify({ signing_key: pem }))
  return { ID_TOKEN_KEY_FILE }
}
