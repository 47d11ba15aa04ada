/** Folders and files of a stack, with owners that keep the parts out of each other's. */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { RootUser } from './roots.ts'

/** Users without a name for the parts that Debian has none for. */
export const OPENBAO_USER: RootUser = { uid: 64001, gid: 64001 }
export const BRIDGE_USER: RootUser = { uid: 64002, gid: 64002 }

/** Makes a folder that only `owner` (and root) can enter. */
export function privateFolder(path: string, owner: RootUser): string {
  mkdirSync(path, { recursive: true })
  chownSync(path, owner.uid, owner.gid)
  chmodSync(path, 0o700)
  return path
}

/** Writes a file that only `owner` (and root) can read. */
export function privateFile(path: string, content: string, owner: RootUser): string {
  writeFileSync(path, content, { mode: 0o600 })
  chownSync(path, owner.uid, owner.gid)
  return path
}

/** A secret made of 32 random bytes, in letters, digits, `-` and `_`. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** The secret that a file holds; made at the first call. */
export function secretIn(path: string, owner: RootUser): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const secret = newSecret()
    privateFile(path, secret, owner)
    return secret
  }
}
