import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PATHS, SCOPE_READ, type UserInfo } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { grantedClaims, readUserInfo } from '../oauth/userinfo.ts'
import { OdooSessionEnded } from '../odoo/port.ts'
import { requireOriginOf } from '../plugins/cross-origin.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Clients } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { UserInfoAnswer } from './answers.ts'

export interface UserInfoRouteOptions {
  clients: Clients
  accessTokens: AccessTokens
  sessions: Sessions
}

const Body = Type.Union([
  Type.Object({ access_token: Type.Optional(Type.String()) }),
  // With the token in the header there need not be one.
  Type.Null(),
])

const schema = (summary: string) => ({
  tags: ['oauth'],
  summary,
  security: [{ accessToken: [] }],
  response: { 200: UserInfoAnswer },
})

/** @see RFC 6750 §2.1 and §2.2; more than one way at once is refused */
function tokenOf(request: FastifyRequest, inBody: string | undefined): string {
  const inHeader = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (inHeader !== undefined && inBody !== undefined) throw new BridgeError('invalid_request')
  return inHeader ?? inBody ?? ''
}

/** What a client may know of its user. @see OpenID Connect Core 1.0 §5.3 */
export const userInfoRoute: FastifyPluginAsyncTypebox<UserInfoRouteOptions> = async (
  app,
  { clients, accessTokens, sessions },
) => {
  await app.register(formbody)

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
  ): Promise<UserInfo> => {
    reply.header('cache-control', 'no-store')
    // Whatever it is for else: that it may ask about its user says its scope.
    const { claims } = await accessTokens.verify(token, undefined)
    const session = claims && (await sessions.find(claims.sid))
    const client = session && clients.get(session.client_id)
    if (!session || !client) throw new BridgeError('invalid_token')
    requireOriginOf(client, request)
    const scope = claims.scope.split(' ')
    if (!scope.includes('openid')) throw new BridgeError('insufficient_scope')
    // Odoo does not know the scopes of OpenID Connect: what these allow, the bridge reads for the app.
    const { uid, odoo } = await sessions.asUser(claims.sid, SCOPE_READ)
    try {
      return await readUserInfo(odoo, uid, grantedClaims(scope, session.claims))
    } catch (error) {
      if (error instanceof OdooSessionEnded) await sessions.endForgotten(claims.sid, request.log)
      throw error
    }
  }

  app.get(PATHS.userinfo, { schema: schema('Claims about the user') }, (request, reply) =>
    answer(request, reply, tokenOf(request, undefined)),
  )
  app.post(
    PATHS.userinfo,
    { schema: { ...schema('The same, with the token in header or body'), body: Body } },
    (request, reply) => answer(request, reply, tokenOf(request, request.body?.access_token)),
  )
}
