import type { GateClaims } from './claims.ts'
import { sha256 } from './digest.ts'
import { jsonObject } from './json.ts'
import { zone } from './zones.ts'

/**
 * What is remembered of a token: that the signature was valid by this key, and the claims.
 * Nothing that a location decided: a weak location's verdict must not serve a strict one.
 */
export interface VerifiedToken {
  /** `id` of the {@link PublishedKey}. */
  key: string
  claims: GateClaims
}

/** What was remembered of exactly this token, signature included. */
export function recall(token: string): VerifiedToken | undefined {
  const text = zone('drawbridge_memo').get(sha256(token))
  return text === undefined ? undefined : (jsonObject(text) as VerifiedToken | undefined)
}

/**
 * Remembers a token whose signature was verified, until it expires.
 * @param now milliseconds
 */
export function remember(token: string, verified: VerifiedToken, now: number): void {
  const life = Math.ceil(verified.claims.exp * 1000 - now)
  if (life <= 0) return
  try {
    zone('drawbridge_memo').set(sha256(token), JSON.stringify(verified), life)
  } catch (error) {
    // Without the memo every request is verified: slower, and as safe.
    ngx.log(ngx.WARN, `drawbridge: the memo is full: ${(error as Error).message}`)
  }
}
