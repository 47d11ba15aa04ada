import type { SecretKeys } from '../keys/port.ts'
import { seal, unseal } from './seal.ts'

/** What is held, and for whom or what: it is released for the same words alone. */
export type Purpose = readonly string[]

// No session has such an id, so what is sealed for one purpose never opens for another.
const ownerOf = (purpose: Purpose) => ({ sid: `held ${JSON.stringify(purpose)}`, uid: 0 })

/**
 * Seals a value that a browser carries to the next step, so that nobody reads or changes it there,
 * and without a place on the server to keep it.
 * @param until milliseconds since 1970
 */
export const hold = (
  secrets: SecretKeys,
  purpose: Purpose,
  value: string,
  until: number,
): Promise<string> => seal(secrets, ownerOf(purpose), JSON.stringify([until, value]))

/** @returns the value; undefined if it was held for another purpose, or for too long */
export async function release(
  secrets: SecretKeys,
  purpose: Purpose,
  held: string,
  now: number,
): Promise<string | undefined> {
  const opened = await unseal(secrets, ownerOf(purpose), held)
  if (opened === undefined) return undefined
  const [until, value] = JSON.parse(opened) as [number, string]
  return now < until ? value : undefined
}
