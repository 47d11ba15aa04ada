import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS } from '../contract/index.ts'
import type { TokenReader } from '../oauth/token-reader.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { Emptiness } from './answers.ts'
import { clientParameters, parameter, presentedToken, type ClientDoor } from './client.ts'

export interface RevokeRouteOptions {
  clientDoor: ClientDoor
  readToken: TokenReader
  sessions: Sessions
}

const SCHEMA = {
  tags: ['oauth'],
  summary: 'End the session of an access or refresh token (RFC 7009)',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({ ...clientParameters, token: presentedToken, token_type_hint: parameter }),
  response: { 200: Emptiness },
}

/** A client gives back what it has. @see RFC 7009 §2 */
export const revokeRoute: FastifyPluginAsyncTypebox<RevokeRouteOptions> = async (
  app,
  { clientDoor, readToken, sessions },
) => {
  await app.register(formbody)

  app.post(PATHS.revoke, { schema: SCHEMA }, async (request, reply) => {
    const { client_id } = await clientDoor(request, reply)
    const known = await readToken(request.body.token)
    // Another client's token and none at all look alike: nobody learns whose it is.
    if (known) await sessions.endOfClient(known.claims.sid, client_id, request.log)
    return reply.header('cache-control', 'no-store').send(undefined)
  })
}
