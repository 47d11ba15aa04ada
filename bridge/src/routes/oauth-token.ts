import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger } from 'fastify'
import { Type, type Static } from 'typebox'
import { PATHS, type OAuthTokenResponse } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { redeemCode } from '../oauth/authorization-code.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Client, Clients } from '../tokens/clients.ts'
import type { IssuedTokens, Sessions } from '../tokens/sessions.ts'
import { OAuthTokenAnswer } from './answers.ts'

export interface TokenRouteOptions {
  clients: Clients
  sessions: Sessions
  store: SessionStore
}

// No control characters: PostgreSQL takes no NUL.
const text = Type.Optional(
  Type.String({ minLength: 1, maxLength: 8192, pattern: '^[^\\p{Cc}\\p{Cs}]+$' }),
)
// A parameter that stands twice arrives as an array, and is refused here. @see RFC 6749 §3.2
const Body = Type.Object({
  grant_type: Type.String(),
  client_id: text,
  code: text,
  redirect_uri: text,
  code_verifier: text,
  refresh_token: text,
})
type Body = Static<typeof Body>

const SCHEMA = {
  tags: ['oauth'],
  summary: 'Exchange a code or a refresh token for tokens (RFC 6749 §3.2)',
  consumes: ['application/x-www-form-urlencoded'],
  body: Body,
  response: { 200: OAuthTokenAnswer },
}

/** The token endpoint for public clients. Steps B3 and B7. @see RFC 6749 §3.2 */
export const tokenRoute: FastifyPluginAsyncTypebox<TokenRouteOptions> = async (
  app,
  { clients, sessions, store },
) => {
  await app.register(formbody)

  const authorizationCode = async (
    body: Body,
    client: Client,
    log: FastifyBaseLogger,
  ): Promise<IssuedTokens | undefined> => {
    const { code, redirect_uri, code_verifier } = body
    if (!code || !redirect_uri || (!code_verifier && client.require_pkce))
      throw new BridgeError('invalid_request')
    const { client_id } = client
    const redeemed = await redeemCode(store, { code, client_id, redirect_uri, code_verifier })
    if (redeemed.outcome === 'redeemed') {
      return sessions.activate(redeemed.sid, redeemed.nonce)
    }
    if (redeemed.outcome === 'replayed') await sessions.endReplayed(redeemed.sid, log)
    return undefined
  }

  const refreshToken = (body: Body, client: Client, log: FastifyBaseLogger) => {
    if (!body.refresh_token) throw new BridgeError('invalid_request')
    const isItsOwn = (clientId: string) =>
      clientId === client.client_id && client.refresh_delivery === 'body'
    return sessions.refresh(body.refresh_token, isItsOwn, log)
  }

  const grants: Record<string, typeof authorizationCode> = {
    authorization_code: authorizationCode,
    refresh_token: refreshToken,
  }

  app.post(PATHS.token, { schema: SCHEMA }, async (request, reply) => {
    const { grant_type, client_id } = request.body
    const client = clients.get(client_id ?? '')
    if (!client) throw new BridgeError('invalid_client')
    if (!Object.hasOwn(grants, grant_type)) throw new BridgeError('unsupported_grant_type')
    const tokens = await grants[grant_type]?.(request.body, client, request.log)
    if (!tokens) throw new BridgeError('invalid_grant')
    const { access_token, expires_in, scope, refresh_token, id_token } = tokens
    reply.header('cache-control', 'no-store')
    const answer: OAuthTokenResponse = {
      access_token,
      token_type: 'Bearer',
      expires_in,
      scope,
      refresh_token,
      ...(id_token === undefined ? {} : { id_token }),
    }
    return answer
  })
}
