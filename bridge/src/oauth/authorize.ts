import type { FastifyBaseLogger } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { Identity } from '../odoo/port.ts'
import type { ConsentStore, SessionStore } from '../sessions/port.ts'
import type { Device, Grant } from '../tokens/session-starts.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { CODE_TTL, createCode } from './authorization-code.ts'
import { authorizationResponse, type AuthorizationRequest } from './authorization-request.ts'

/**
 * Answers an authorization request of somebody who is signed in.
 * The grant's `browserSid` is the browser's session, where the app's is begun from one.
 * @returns the address that brings the code to the client
 * @throws BridgeError access_denied if the user may not use this client, or has just taken back what
 * they let it have
 */
export type Authorize = (
  identity: Identity,
  request: AuthorizationRequest,
  device: Device,
  where: Pick<Grant, 'browserSid' | 'persistent'>,
  log: FastifyBaseLogger,
) => Promise<string>

export interface AuthorizeOptions {
  issuer: string
  sessions: Sessions
  store: SessionStore
  consents: ConsentStore
}

/** @see Authorize */
export const createAuthorize =
  ({ issuer, sessions, store, consents }: AuthorizeOptions): Authorize =>
  async (identity, request, device, where, log) => {
    const { client, scope, audience, redirectUri, codeChallenge, nonce, claims, state } = request
    const grant = { client, scope, audience: [audience], claims, ...where }
    const { uid } = identity
    const sid = await sessions.startPending(identity, grant, device, CODE_TTL, log)
    // Who withdraws takes the consent first and ends sessions then; here a session is begun first
    // and the consent looked at then. Whichever way the two meet, one of them sees the other.
    if (!client.first_party) {
      const granted = await consents.scopeOf(uid, client.client_id)
      if (!scope.every((word) => granted.includes(word))) {
        await sessions.endAtClient(uid, client.client_id, log)
        throw new BridgeError('access_denied', { description: 'withdrawn meanwhile' })
      }
    }
    const code = await createCode(store, {
      sid,
      client_id: client.client_id,
      redirect_uri: redirectUri,
      code_challenge: codeChallenge,
      nonce,
    })
    return authorizationResponse(redirectUri, issuer, { code, state })
  }
