import type { Session } from '../sessions/port.ts'
import { hasOwnScheme, isConfidential } from '../tokens/clients.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

/**
 * Whether somebody has to sign in before the request can be answered.
 * @param session of the browser; undefined where nobody is signed in
 * @param expected the user id that an `id_token_hint` names
 * @param now milliseconds since 1970
 * @see OpenID Connect Core 1.0 §3.1.2.3
 */
export function mustSignIn(
  { prompt, maxAge }: AuthorizationRequest,
  session: Session | undefined,
  expected: string | undefined,
  now: number,
): boolean {
  if (!session) return true
  if (prompt.has('login') || prompt.has('select_account')) return true
  if (expected !== undefined && expected !== String(session.uid)) return true
  // Whole seconds, as `auth_time` has them.
  const age = Math.floor(now / 1000) - Math.floor(session.auth_time / 1000)
  return maxAge !== undefined && age > maxAge
}

/**
 * Whether the user has to be asked what the app may do.
 * @param granted scopes that they let it have before
 * @see OpenID Connect Core 1.0 §3.1.2.4
 */
export function mustConsent(
  { client, prompt, scope, redirectUri }: AuthorizationRequest,
  granted: readonly string[],
): boolean {
  // Any program of the device may listen at some port, or take the scheme for its own, and ask in the
  // name of an app that proves nothing, with a challenge of its own: only the person can tell that
  // they have begun nothing. @see RFC 8252 §8.6
  const isOfAnyPort = !client.redirect_uris.includes(redirectUri)
  if (hasOwnScheme(redirectUri) || (isOfAnyPort && !isConfidential(client))) return true
  if (client.first_party) return false
  return prompt.has('consent') || !scope.every((word) => granted.includes(word))
}

/**
 * When the user has to have signed in, wherever that is done.
 * @param now milliseconds since 1970
 * @returns seconds since 1970; undefined if any time will do
 */
export function signedInAfter(
  { prompt, maxAge }: AuthorizationRequest,
  now: number,
): number | undefined {
  const seconds = Math.floor(now / 1000)
  if (prompt.has('login')) return seconds
  return maxAge === undefined ? undefined : seconds - maxAge
}
