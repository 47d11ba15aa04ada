import type { Refusal } from './refusals.ts'

/** What a challenge says of the location. */
export interface Protection {
  realm: string
  resourceMetadata: string
  requiredScope: string[]
}

/**
 * The `WWW-Authenticate` of a refusal. A request without a token is told nothing but the scheme.
 *
 * Nothing is escaped here because nothing needs it: realm, scope and address are settings that were refused
 * if they held a quote or a backslash, and the rest are constants. Nothing of the request is in it.
 * @returns undefined where no challenge belongs
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function challenge(refusal: Refusal, protection: Protection): string | undefined {
  if (refusal.status !== 401 && refusal.status !== 403) return undefined
  const pointer =
    protection.resourceMetadata === '' ? '' : `, resource_metadata="${protection.resourceMetadata}"`
  const scheme = `Bearer realm="${protection.realm}"`
  if (refusal.error === 'missing_token') return scheme + pointer
  const text = `${scheme}, error="${refusal.error}", error_description="${refusal.error_description}"`
  if (refusal.status === 401) return text + pointer
  return `${text}, scope="${protection.requiredScope.join(' ')}"`
}
