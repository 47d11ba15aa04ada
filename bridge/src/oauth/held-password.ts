import type { SecretKeys } from '../keys/port.ts'
import { seal, unseal } from '../tokens/seal.ts'

/** Milliseconds that somebody has to look up the code of their second factor. */
const LIFE = 5 * 60_000

// No session has such an id, so what is sealed for one purpose never opens for the other.
const ownerOf = (clientId: string, login: string) => ({
  sid: `password ${JSON.stringify([clientId, login])}`,
  uid: 0,
})

/**
 * Seals a password that Odoo found right, so that the form can carry it to the next step without
 * anybody reading it there, and without a place on the server to keep it.
 * @param now milliseconds since 1970
 */
export const holdPassword = (
  secrets: SecretKeys,
  clientId: string,
  login: string,
  password: string,
  now: number,
): Promise<string> =>
  seal(secrets, ownerOf(clientId, login), JSON.stringify([now + LIFE, password]))

/** @returns the password; undefined if it was held for another client or login, or for too long */
export async function releasePassword(
  secrets: SecretKeys,
  clientId: string,
  login: string,
  held: string,
  now: number,
): Promise<string | undefined> {
  const opened = await unseal(secrets, ownerOf(clientId, login), held)
  if (opened === undefined) return undefined
  const [expiresAt, password] = JSON.parse(opened) as [number, string]
  return now < expiresAt ? password : undefined
}
