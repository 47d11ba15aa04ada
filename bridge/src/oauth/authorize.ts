import type { FastifyBaseLogger } from 'fastify'
import type { Identity } from '../odoo/port.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Device } from '../tokens/session-starts.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { CODE_TTL, createCode } from './authorization-code.ts'
import { authorizationResponse, type AuthorizationRequest } from './authorization-request.ts'

/**
 * Answers an authorization request of somebody who is signed in.
 * `browserSid` is the browser's session, where the app's is begun from one.
 * @returns the address that brings the code to the client
 */
export type Authorize = (
  identity: Identity,
  request: AuthorizationRequest,
  device: Device,
  browserSid: string | null,
  log: FastifyBaseLogger,
) => Promise<string>

/** @see Authorize */
export const createAuthorize =
  (issuer: string, sessions: Sessions, store: SessionStore): Authorize =>
  async (identity, request, device, browserSid, log) => {
    const { client, scope, audience, redirectUri, codeChallenge, nonce, claims, state } = request
    const grant = { client, scope, audience: [audience], browserSid, claims }
    const sid = await sessions.startPending(identity, grant, device, CODE_TTL, log)
    const code = await createCode(store, {
      sid,
      client_id: client.client_id,
      redirect_uri: redirectUri,
      code_challenge: codeChallenge,
      nonce,
    })
    return authorizationResponse(redirectUri, issuer, { code, state })
  }
