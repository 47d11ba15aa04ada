import type { Identity } from '../odoo/port.ts'

/** A sign-in that is under way at a provider, as the bridge began it. */
export interface ProviderRequest {
  /** Comes back with the answer. @see RFC 6749 §4.1.1 */
  state: string
  /** @see RFC 7636 §4.1 */
  codeVerifier: string
  /** Where the provider sends the browser back to. */
  redirectUri: string
  /** Seconds since 1970: who signed in there earlier has to do so again. */
  after?: number | undefined
}

/** Somewhere else where people show who they are, and come back from with a code. */
export interface SignInProvider {
  /** Names it in addresses. */
  id: string
  /** Names it to people: "Continue with …". */
  name: string
  /**
   * Where to send the browser.
   * @throws BridgeError provider_unavailable
   */
  authorizationUrl(request: ProviderRequest): Promise<string>
  /**
   * Asks the provider who came back.
   * @param answer the query that the browser brought; its `state` is known to be right
   * @returns undefined if the provider does not stand by it
   * @throws BridgeError sign_in_refused, unknown_user, mfa_not_offered, provider_unavailable
   * @throws OdooUnavailable
   */
  identify(answer: URLSearchParams, request: ProviderRequest): Promise<Identity | undefined>
}
