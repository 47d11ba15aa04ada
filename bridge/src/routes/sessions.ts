import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, type SessionDescription } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { Bearer } from './bearer.ts'
import type { Session } from '../sessions/port.ts'
import type { Clients } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { NoContent } from './answers.ts'

export interface SessionsRoutesOptions {
  bearer: Bearer
  clients: Clients
  sessions: Sessions
}

const Sid = Type.Object({ sid: Type.String({ maxLength: 100, pattern: '^[\\w-]+$' }) })

const Answer = Type.Object({
  sessions: Type.Array(
    Type.Object({
      sid: Type.String(),
      client_id: Type.String(),
      client_name: Type.String(),
      device: Type.String(),
      ip: Type.String(),
      created_at: Type.Integer(),
      last_seen_at: Type.Integer(),
      late_replays: Type.Integer(),
      persistent: Type.Boolean(),
      current: Type.Boolean(),
    }),
  ),
})

const security = [{ accessToken: [] }]
const SCHEMAS = {
  list: {
    tags: ['auth'],
    summary: 'The live sessions of the user',
    security,
    response: { 200: Answer },
  },
  end: {
    tags: ['auth'],
    summary: 'End one session of the user',
    security,
    params: Sid,
    response: { 204: NoContent },
  },
  endAll: {
    tags: ['auth'],
    summary: 'End all sessions of the user',
    security,
    response: { 204: NoContent },
  },
}

/** "My devices": what a user is signed in with, and how to end it. */
export const sessionsRoutes: FastifyPluginCallbackTypebox<SessionsRoutesOptions> = (
  app,
  { bearer, clients, sessions },
  done,
) => {
  const describe = (session: Session, currentSid: string): SessionDescription => ({
    sid: session.sid,
    client_id: session.client_id,
    client_name: clients.get(session.client_id)?.client_name ?? session.client_id,
    device: session.device,
    ip: session.ip,
    created_at: Math.floor(session.created_at / 1000),
    last_seen_at: Math.floor(session.last_seen_at / 1000),
    late_replays: session.late_replays,
    persistent: session.persistent === 1,
    current: session.sid === currentSid,
  })

  app.addHook('onRequest', (_request, reply, next) => {
    reply.header('cache-control', 'no-store')
    next()
  })

  app.get(PATHS.sessions, { schema: SCHEMAS.list }, async (request) => {
    const { sub, sid } = await bearer(request)
    const list = await sessions.list(Number(sub))
    return { sessions: list.map((session) => describe(session, sid)) }
  })

  app.delete(`${PATHS.sessions}/:sid`, { schema: SCHEMAS.end }, async (request, reply) => {
    const { sub } = await bearer(request)
    const ended = await sessions.endOwn(request.params.sid, Number(sub), request.log)
    // Somebody else's session and none at all look alike.
    if (!ended) throw new BridgeError('not_found')
    return reply.code(204).send(null)
  })

  app.delete(PATHS.sessions, { schema: SCHEMAS.endAll }, async (request, reply) => {
    const { sub } = await bearer(request)
    await sessions.endAll(Number(sub), request.log)
    return reply.code(204).send(null)
  })

  done()
}
