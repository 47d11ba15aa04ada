/** Tokens that are refused before they expire: those of ended sessions, and of users put out. */
import { sha256 } from './digest.ts'
import { nextGeneration } from './passes.ts'
import type { VerifiedToken } from './verified-token.ts'
import { numberZone } from './zones.ts'

// One issuer's list must not reach the sessions of another's.
const prefixes: Partial<Record<string, string>> = {}

function prefixOf(url: string): string {
  const known = prefixes[url]
  if (known !== undefined) return known
  const prefix = sha256(url).slice(0, 8)
  prefixes[url] = prefix
  return prefix
}

const sessionEntry = (url: string, sid: string): string => `${prefixOf(url)}s${sid}`
const userEntry = (url: string, sub: string): string => `${prefixOf(url)}u${sub}`

/** Milliseconds that an entry is kept; undefined if no token needs it any more. */
function lifeUntil(until: number, now: number): number | undefined {
  const life = Math.ceil(until * 1000 - now)
  return life > 0 ? life : undefined
}

/**
 * Refuses the tokens of a session from now on.
 * @param url the list that says so
 * @param until seconds since 1970: no token of it can be valid later
 * @param now milliseconds
 * @throws Error when the zone is full; it must not be one that evicts
 */
export function revokeSession(url: string, sid: string, until: number, now: number): void {
  const life = lifeUntil(until, now)
  if (life !== undefined) {
    numberZone('drawbridge_revocations').set(sessionEntry(url, sid), until, life)
  }
}

/**
 * Refuses the tokens of a user that were issued up to `cutoff`. One that is known stays if it is
 * later: pages may be read twice, and in any order.
 * @param cutoff seconds since 1970
 */
export function cutOffUser(
  url: string,
  sub: string,
  cutoff: number,
  until: number,
  now: number,
): void {
  const life = lifeUntil(until, now)
  if (life === undefined) return
  const zone = numberZone('drawbridge_revocations')
  const entry = userEntry(url, sub)
  const known = zone.get(entry)
  if (known === undefined || known < cutoff) zone.set(entry, cutoff, life)
}

// When a list was complete, 0 while it is not. It stands beside the list itself: a zone that was given
// another size is empty after the reload, and then this is gone too.
const syncEntry = (url: string): string => `${prefixOf(url)}a`

// Nothing in a zone with a timeout is kept for ever; revocations_max_stale cannot be longer than
// this. Milliseconds.
const LONGEST_STALE = 1e10

/** When the whole list was last known to be complete; milliseconds since 1970, undefined: never. */
export function syncedAt(url: string): number | undefined {
  const at = numberZone('drawbridge_revocations').get(syncEntry(url))
  return at === 0 ? undefined : at
}

/** Whether any of a list was taken in. */
export const isBegun = (url: string): boolean =>
  numberZone('drawbridge_revocations').get(syncEntry(url)) !== undefined

/**
 * @param at milliseconds since 1970; undefined: what is known is not the whole list
 * @throws Error when the zone is full
 */
export function setSyncedAt(url: string, at: number | undefined): void {
  numberZone('drawbridge_revocations').set(syncEntry(url), at ?? 0, LONGEST_STALE)
  nextGeneration()
}

/**
 * Whether a list names a token's session, or its user.
 * @param url the list
 */
export function isListed(token: Pick<VerifiedToken, 'sid' | 'sub' | 'iat'>, url: string): boolean {
  const zone = numberZone('drawbridge_revocations')
  if (zone.get(sessionEntry(url, token.sid)) !== undefined) return true
  const cutoff = zone.get(userEntry(url, token.sub))
  return cutoff !== undefined && token.iat <= cutoff
}
