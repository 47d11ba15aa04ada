import { type VerifiedToken, readVerifiedToken, writeVerifiedToken } from './verified-token.ts'
import { textZone } from './zones.ts'

/**
 * What all workers remember of exactly this token, signature included: that it was valid, by which
 * key, and the claims.
 * @param digest SHA-256 of the whole token
 */
export function recall(digest: string): VerifiedToken | undefined {
  const text = textZone('drawbridge_memo').get(digest)
  return text === undefined ? undefined : readVerifiedToken(text)
}

/** Makes room for what {@link remember} will say of a token instead. */
export const forget = (digest: string): void => {
  textZone('drawbridge_memo').delete(digest)
}

/**
 * Remembers a token whose signature was verified, until it expires.
 * @param digest SHA-256 of the whole token
 */
export function remember(digest: string, token: VerifiedToken): void {
  const life = Math.ceil(token.exp * 1000 - Date.now())
  if (life <= 0) return
  try {
    // Not `set`: where it replaces a text, njs 0.8 makes room by evicting what it is about to free.
    textZone('drawbridge_memo').add(digest, writeVerifiedToken(token), life)
  } catch (error) {
    // Without the memo every request is verified: slower, and as safe.
    ngx.log(ngx.WARN, `drawbridge: the memo is full: ${(error as Error).message}`)
  }
}
