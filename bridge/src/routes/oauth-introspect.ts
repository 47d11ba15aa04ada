import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, type IntrospectionResponse } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { TokenReader } from '../oauth/token-reader.ts'
import { isConfidential, type Client } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { IntrospectionAnswer } from './answers.ts'
import { clientParameters, parameter, presentedToken, type ClientDoor } from './client.ts'

export interface IntrospectRouteOptions {
  clientDoor: ClientDoor
  readToken: TokenReader
  sessions: Sessions
}

const SCHEMA = {
  tags: ['oauth'],
  summary: 'Whether a token is good now, and what it says (RFC 7662)',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({ ...clientParameters, token: presentedToken, token_type_hint: parameter }),
  response: { 200: IntrospectionAnswer },
}

const INACTIVE: IntrospectionResponse = { active: false }

/**
 * Tells a client that has proven who it is of tokens that are its own or meant for it. A look counts
 * as no use of a refresh token. @see RFC 7662 §2
 */
export const introspectRoute: FastifyPluginAsyncTypebox<IntrospectRouteOptions> = async (
  app,
  { clientDoor, readToken, sessions },
) => {
  await app.register(formbody)

  const describe = async (client: Client, token: string): Promise<IntrospectionResponse> => {
    const known = await readToken(token)
    if (!known) return INACTIVE
    const { kind, claims } = known
    const isOwn = claims.client_id === client.client_id
    const isForIt =
      kind === 'access' && [claims.aud].flat().some((aud) => client.resources.includes(aud))
    // Before the database is asked: what is none of its concern costs nothing.
    if (!isOwn && !isForIt) return INACTIVE
    const session = await sessions.find(claims.sid)
    if (session?.client_id !== claims.client_id) return INACTIVE
    if (kind === 'refresh') {
      // One that was replaced is not good any more, whatever grace its holder would be given.
      if (claims.gen < session.generation) return INACTIVE
      const { iss, aud, client_id, iat, exp } = claims
      const { uid, scope } = session
      return { active: true, iss, sub: String(uid), aud, client_id, scope, iat, exp }
    }
    const { iss, sub, aud, client_id, scope, iat, exp, jti, auth_time } = claims
    return {
      active: true,
      iss,
      sub,
      aud,
      client_id,
      scope,
      iat,
      exp,
      token_type: 'Bearer',
      jti,
      auth_time,
    }
  }

  app.post(PATHS.introspect, { schema: SCHEMA }, async (request, reply) => {
    const client = await clientDoor(request, reply)
    // Anybody can claim to be a client without a secret. @see RFC 7662 §2.1
    if (!isConfidential(client)) {
      throw new BridgeError('invalid_client', { description: 'a public client may not introspect' })
    }
    reply.header('cache-control', 'no-store')
    return describe(client, request.body.token)
  })
}
