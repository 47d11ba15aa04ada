import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { SecretKey, SecretKeys } from '../keys/port.ts'

const VERSION = 's1'

/** Apart from the key that signs refresh tokens: one secret, two purposes, two keys. @see RFC 5869 */
const sealingKey = ({ secret }: SecretKey): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'drawbridge seal', 32))

/** Whom a sealed value belongs to; it opens for nobody else. */
export interface SealOwner {
  sid: string
  uid: number
}

const additionalData = (kid: string, { sid, uid }: SealOwner) =>
  Buffer.from(JSON.stringify([VERSION, kid, sid, uid]))

/**
 * Encrypts what must lie in the database but help nobody who reads or writes there: a value moved
 * to another row does not open.
 */
export async function seal(keys: SecretKeys, owner: SealOwner, plain: string): Promise<string> {
  const key = await keys.current()
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(key), iv)
  cipher.setAAD(additionalData(key.kid, owner))
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  const parts = [Buffer.from(key.kid), iv, sealed, cipher.getAuthTag()]
  return [VERSION, ...parts.map((part) => part.toString('base64url'))].join('.')
}

/** @returns the plain value; undefined if it was sealed for another owner or its key is gone */
export async function unseal(
  keys: SecretKeys,
  owner: SealOwner,
  sealed: string,
): Promise<string | undefined> {
  const [version, kid, iv, data, tag] = sealed.split('.')
  if (version !== VERSION || !kid || !iv || data === undefined || !tag) return undefined
  const key = await keys.find(Buffer.from(kid, 'base64url').toString())
  if (!key) return undefined
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      sealingKey(key),
      Buffer.from(iv, 'base64url'),
      {
        authTagLength: 16,
      },
    )
    decipher.setAAD(additionalData(key.kid, owner))
    decipher.setAuthTag(Buffer.from(tag, 'base64url'))
    const plain = [decipher.update(Buffer.from(data, 'base64url')), decipher.final()]
    return Buffer.concat(plain).toString('utf8')
  } catch {
    return undefined
  }
}
