import type { GateClaims } from './claims.ts'
import type { RefusalReason } from './refusals.ts'
import type { Settings } from './settings.ts'

/** One question that a token has to pass. `now` is in seconds. */
type Check = (claims: GateClaims, settings: Settings, now: number) => RefusalReason | undefined

const issuer: Check = (claims, settings) =>
  claims.iss === settings.issuer ? undefined : 'wrong_issuer'

const audience: Check = (claims, settings) =>
  claims.aud.includes(settings.audience) ? undefined : 'wrong_audience'

const maximumAge: Check = (claims, settings) =>
  claims.exp - claims.iat > settings.maxAge ? 'too_long_lived' : undefined

const issuedInThePast: Check = (claims, settings, now) =>
  claims.iat > now + settings.leeway ? 'not_yet_valid' : undefined

const notBefore: Check = (claims, settings, now) =>
  claims.nbf !== undefined && claims.nbf > now + settings.leeway ? 'not_yet_valid' : undefined

const expiry: Check = (claims, settings, now) =>
  claims.exp <= now - settings.leeway ? 'expired' : undefined

const scope: Check = (claims, settings) => {
  const granted = claims.scope.split(' ')
  return settings.requiredScope.every((needed) => granted.includes(needed))
    ? undefined
    : 'insufficient_scope'
}

// Expiry comes after everything that a new token would not mend, and before scope: a client that
// is told "expired" may refresh and be served.
const CHECKS: Check[] = [issuer, audience, maximumAge, issuedInThePast, notBefore, expiry, scope]

/**
 * Asks a token whose signature is valid everything that this location wants to know.
 * @param now seconds
 * @returns why it is refused, or undefined
 * @see RFC 9068 §4
 */
export function check(
  claims: GateClaims,
  settings: Settings,
  now: number,
): RefusalReason | undefined {
  for (let i = 0; i < CHECKS.length; i++) {
    const reason = (CHECKS[i] as Check)(claims, settings, now)
    if (reason !== undefined) return reason
  }
  return undefined
}
