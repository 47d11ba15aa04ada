import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PATHS, type OAuthTokenResponse, type TokenResponse } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { redeemCode } from '../oauth/authorization-code.ts'
import type { MachineGrant } from '../oauth/machine.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Client, GrantType } from '../tokens/clients.ts'
import type { IssuedTokens, MachineTokens } from '../tokens/issued-tokens.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { OAuthTokenAnswer } from './answers.ts'
import { clientParameters, parameter, type ClientDoor } from './client.ts'
import { deviceOf } from './sign-in.ts'

export interface TokenRouteOptions {
  clientDoor: ClientDoor
  sessions: Sessions
  store: SessionStore
  machine: MachineGrant
}

// A parameter that stands twice arrives as an array, and is refused here. @see RFC 6749 §3.2
const Body = Type.Object({
  grant_type: Type.String(),
  ...clientParameters,
  code: parameter,
  redirect_uri: parameter,
  code_verifier: parameter,
  refresh_token: parameter,
  scope: parameter,
  resource: parameter,
})
type Body = Static<typeof Body>

const SCHEMA = {
  tags: ['oauth'],
  summary: 'Tokens for a code, a refresh token, or a machine client itself (RFC 6749 §3.2)',
  consumes: ['application/x-www-form-urlencoded'],
  body: Body,
  response: { 200: OAuthTokenAnswer },
}

/** @returns undefined where the code or token is not good */
type Grant = (
  request: FastifyRequest<{ Body: Body }>,
  client: Client,
) => Promise<IssuedTokens | MachineTokens | undefined>

/** The token endpoint. Steps B3 and B7. @see RFC 6749 §3.2 */
export const tokenRoute: FastifyPluginAsyncTypebox<TokenRouteOptions> = async (
  app,
  { clientDoor, sessions, store, machine },
) => {
  await app.register(formbody)

  const authorizationCode: Grant = async ({ body, log }, client) => {
    const { code, redirect_uri, code_verifier, resource } = body
    if (code === undefined || redirect_uri === undefined) throw new BridgeError('invalid_request')
    if (client.require_pkce && code_verifier === undefined) throw new BridgeError('invalid_request')
    // Before the code is used up: what the client may never have, this code does not give either.
    if (resource !== undefined && !client.resources.includes(resource)) {
      throw new BridgeError('invalid_target')
    }
    const { client_id } = client
    const redeemed = await redeemCode(store, { code, client_id, redirect_uri, code_verifier })
    if (redeemed.outcome === 'redeemed') {
      return sessions.activate(redeemed.sid, client, { resource, nonce: redeemed.nonce })
    }
    if (redeemed.outcome === 'replayed') await sessions.endReplayed(redeemed.sid, log)
    return undefined
  }

  const refreshToken: Grant = ({ body, log }, client) => {
    if (body.refresh_token === undefined) throw new BridgeError('invalid_request')
    const isItsOwn = (clientId: string) =>
      clientId === client.client_id && client.refresh_delivery === 'body'
    return sessions.refresh(body.refresh_token, isItsOwn, log, body.resource)
  }

  const clientCredentials: Grant = (request, client) => {
    const { scope, resource } = request.body
    return machine(client, { scope, resource }, deviceOf(request), request.log)
  }

  const grants: Record<GrantType, Grant> = {
    authorization_code: authorizationCode,
    refresh_token: refreshToken,
    client_credentials: clientCredentials,
  }
  const isOffered = (name: string): name is GrantType => Object.hasOwn(grants, name)

  app.post(PATHS.token, { schema: SCHEMA }, async (request, reply) => {
    const { grant_type } = request.body
    const client = await clientDoor(request, reply)
    if (!isOffered(grant_type)) throw new BridgeError('unsupported_grant_type')
    if (!client.grant_types.includes(grant_type)) throw new BridgeError('unauthorized_client')
    const tokens = await grants[grant_type](request, client)
    if (!tokens) throw new BridgeError('invalid_grant')
    const { access_token, expires_in, scope } = tokens
    const mayRefresh = 'refresh_token' in tokens && client.grant_types.includes('refresh_token')
    reply.header('cache-control', 'no-store')
    const answer: TokenResponse & Partial<OAuthTokenResponse> = {
      access_token,
      token_type: 'Bearer',
      expires_in,
      scope,
      ...(mayRefresh ? { refresh_token: tokens.refresh_token } : {}),
      ...('id_token' in tokens ? { id_token: tokens.id_token } : {}),
    }
    return answer
  })
}
