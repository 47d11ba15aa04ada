import type { Policy } from './decide.ts'
import type { Refusal } from './refusals.ts'

/** What a refusal says of the location. */
export interface Protection {
  realm: string
  resourceMetadata: string
  scope: string[]
  /** Whether there is a JSON body. */
  refusalBody: boolean
  /** Where people sign in; '' sends nobody there. */
  signIn: string
}

const NOWHERE: Protection = {
  realm: 'drawbridge',
  resourceMetadata: '',
  scope: [],
  refusalBody: true,
  signIn: '',
}

/** What is said where the settings cannot be read. */
export const protectionOf = (policy: Policy): Protection =>
  typeof policy === 'string' || 'problem' in policy ? NOWHERE : policy

/**
 * The `WWW-Authenticate` of a refusal. A request without a token is told nothing but the scheme,
 * and where to get one.
 *
 * Nothing is escaped here because nothing needs it: realm, scope and address are settings that were
 * refused if they held a quote or a backslash, and the rest are constants. Nothing of the request
 * is in it.
 * @returns undefined where no challenge belongs
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function challenge(refusal: Refusal, protection: Protection): string | undefined {
  if (!refusal.challenge) return undefined
  let text = `Bearer realm="${protection.realm}"`
  if (refusal.error !== 'missing_token') {
    text += `, error="${refusal.error}", error_description="${refusal.error_description}"`
  }
  if (refusal.error === 'insufficient_scope') text += `, scope="${protection.scope.join(' ')}"`
  if (protection.resourceMetadata !== '') {
    text += `, resource_metadata="${protection.resourceMetadata}"`
  }
  return text
}
