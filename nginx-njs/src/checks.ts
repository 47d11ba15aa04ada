import type { RefusalReason } from './refusals.ts'
import type { Settings } from './settings.ts'
import type { VerifiedToken } from './verified-token.ts'

// Loops, because a closure for each request would cost more than what it asks.

function holdsOneOf(list: string[], wanted: string[]): boolean {
  for (let i = 0; i < wanted.length; i++) if (list.includes(wanted[i] as string)) return true
  return false
}

function holdsAllOf(list: string[], wanted: string[]): boolean {
  for (let i = 0; i < wanted.length; i++) if (!list.includes(wanted[i] as string)) return false
  return true
}

/**
 * Asks a token whose signature is valid, by an issuer of this location, everything that this
 * location wants to know. Expiry comes after everything that a new token would not mend, and before
 * scope and role: a client that is told "expired" may refresh and be served.
 * @param now seconds
 * @returns why it is refused, or undefined
 * @see RFC 9068 §4
 */
export function check(
  token: VerifiedToken,
  settings: Settings,
  now: number,
): RefusalReason | undefined {
  const profile = token.profile
  const latestStart = now + settings.leeway
  if (!holdsOneOf(profile.aud, settings.audience)) return 'wrong_audience'
  if (token.exp - token.iat > settings.maxLifetime) return 'too_long_lived'
  if (token.iat > latestStart || token.nbf > latestStart) return 'not_yet_valid'
  if (token.exp <= now - settings.leeway) return 'expired'
  if (settings.maxAge !== 0 && now - token.iat > settings.maxAge + settings.leeway) return 'too_old'
  if (!holdsAllOf(profile.scopes, settings.scope)) return 'insufficient_scope'
  if (settings.role.length !== 0 && !holdsOneOf(profile.roles, settings.role)) {
    return 'insufficient_role'
  }
  return undefined
}

/**
 * Since when, and until when, {@link check} lets a token pass that it lets pass now.
 * @returns seconds since 1970; `until` is the first moment when it may be refused
 */
export function validity(
  token: VerifiedToken,
  settings: Settings,
): { from: number; until: number } {
  const expiry = token.exp + settings.leeway
  const tooOld = token.iat + settings.maxAge + settings.leeway
  return {
    from: Math.max(token.iat, token.nbf) - settings.leeway,
    until: settings.maxAge === 0 ? expiry : Math.min(expiry, tooOld),
  }
}
