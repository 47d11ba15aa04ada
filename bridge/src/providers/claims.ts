/** What a provider says of somebody, verified as its word, but not yet believed. */
export type Claims = Readonly<Record<string, unknown>>

/** Milliseconds that a provider's clock may be ahead. */
const LEEWAY = 5000

/** Strings alone, and not more than a token can carry. @see RFC 8176 */
export function amrOf({ amr }: Claims): string[] {
  const values: unknown[] = Array.isArray(amr) ? amr : []
  return values
    .filter((value) => typeof value === 'string')
    .filter((value) => /^[\w.:-]{1,32}$/.test(value))
    .slice(0, 8)
}

/** @returns milliseconds; null where the provider does not say, or names a time to come */
export function authTimeOf({ auth_time: authTime }: Claims): number | null {
  if (typeof authTime !== 'number' || authTime <= 0) return null
  const time = Math.floor(authTime) * 1000
  return time <= Date.now() + LEEWAY ? Math.min(time, Date.now()) : null
}

/** @see OpenID Connect Core 1.0 §2: at most 255 characters of ASCII, case counts */
export const isSubject = (sub: string): boolean => /^[\x20-\x7e]{1,255}$/.test(sub)

/**
 * The address, if the provider has verified it and has the say over its domain.
 * @returns or what is wrong with it, without the address
 */
export function verifiedEmail(
  claims: Claims,
  domains: readonly string[],
): { email: string } | string {
  const { email, email_verified: isVerified } = claims
  if (typeof email !== 'string') return 'no e-mail'
  // The word "true" is a string of whoever wrote it. @see OpenID Connect Core 1.0 §5.1
  if (isVerified !== true) return 'e-mail not verified'
  const [, domain] = /^[!#-?A-~]{1,64}@([A-Za-z0-9.-]+)$/.exec(email) ?? []
  if (domain === undefined || email.length > 200) return 'no plain e-mail'
  return domains.includes(domain.toLowerCase()) ? { email } : 'e-mail of another domain'
}
