import { createHash, randomBytes } from 'node:crypto'
import type { AuthorizationCode, SessionStore } from '../sessions/port.ts'

/** Milliseconds that a code may be redeemed. @see RFC 6749 §4.1.2 (at most 10 minutes) */
export const CODE_TTL = 60_000

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** @see RFC 7636 §4.1 */
const CODE_VERIFIER = /^[\w.~-]{43,128}$/

/** Makes a code for a session that waits for it. @returns the code, which is stored as a hash only */
export async function createCode(
  store: SessionStore,
  code: Omit<AuthorizationCode, 'code_hash' | 'expires_at'>,
): Promise<string> {
  const plain = randomBytes(32).toString('base64url')
  await store.insertCode({ ...code, code_hash: sha256(plain), expires_at: Date.now() + CODE_TTL })
  return plain
}

export type Redeemed =
  | { outcome: 'redeemed'; sid: string; nonce: string | null }
  /** A second use: whoever was first may have been a thief. */
  | { outcome: 'replayed'; sid: string }
  | { outcome: 'refused' }

/**
 * Takes a code once, if client, return address and PKCE verifier fit. A code that was asked for
 * without a challenge has an empty one: it is good without a verifier alone, and every other with
 * its own alone, so that PKCE can be neither stripped nor made up on the way.
 * @see RFC 7636 §4.6, RFC 9700 §2.1.1
 */
export async function redeemCode(
  store: SessionStore,
  presented: {
    code: string
    client_id: string
    redirect_uri: string
    code_verifier: string | undefined
  },
): Promise<Redeemed> {
  const { code, client_id, redirect_uri, code_verifier } = presented
  if (code_verifier !== undefined && !CODE_VERIFIER.test(code_verifier)) {
    return { outcome: 'refused' }
  }
  const code_hash = sha256(code)
  const code_challenge = code_verifier === undefined ? '' : sha256(code_verifier)
  const redemption = { code_hash, client_id, redirect_uri, code_challenge }
  const redeemed = await store.redeemCode(redemption, Date.now())
  if (redeemed) return { outcome: 'redeemed', ...redeemed }
  const replayed = await store.sidOfRedeemedCode(code_hash)
  return replayed === undefined ? { outcome: 'refused' } : { outcome: 'replayed', sid: replayed }
}
