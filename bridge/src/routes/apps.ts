import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, PWA_CLIENT_ID, type ConnectedApp } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { Consent, ConsentStore, Session } from '../sessions/port.ts'
import type { Clients } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { NoContent } from './answers.ts'
import type { Bearer } from './bearer.ts'

export interface AppsRoutesOptions {
  bearer: Bearer
  clients: Clients
  consents: ConsentStore
  sessions: Sessions
}

const ClientId = Type.Object({ client_id: Type.String({ pattern: '^[\\w.-]{1,100}$' }) })

const time = Type.Unsafe<number | null>({ type: ['integer', 'null'] })
const Answer = Type.Object({
  apps: Type.Array(
    Type.Object({
      client_id: Type.String(),
      client_name: Type.String(),
      first_party: Type.Boolean(),
      scope: Type.String(),
      granted_at: time,
      sessions: Type.Integer(),
      last_seen_at: time,
    }),
  ),
})

const security = [{ accessToken: [] }]
const SCHEMAS = {
  list: {
    tags: ['auth'],
    summary: 'The apps that the user has let in, or is signed in to',
    security,
    response: { 200: Answer },
  },
  withdraw: {
    tags: ['auth'],
    summary: 'Take back what an app was let have, and end its sessions',
    security,
    params: ClientId,
    response: { 204: NoContent },
  },
}

const wordsOf = (text: string) => text.split(' ').filter((word) => word !== '')

/** "Connected apps": what a user has let in, and how to take that back. */
export const appsRoutes: FastifyPluginCallbackTypebox<AppsRoutesOptions> = (
  app,
  { bearer, clients, consents, sessions },
  done,
) => {
  /** @param live its sessions, the one used last first */
  const describe = (id: string, consent: Consent | undefined, live: Session[]): ConnectedApp => {
    const client = clients.get(id)
    const scopes = [consent?.scope ?? '', ...live.map(({ scope }) => scope)].flatMap(wordsOf)
    const [latest] = live
    return {
      client_id: id,
      client_name: client?.client_name ?? id,
      first_party: client?.first_party ?? false,
      scope: [...new Set(scopes)].join(' '),
      granted_at: consent ? Math.floor(consent.granted_at / 1000) : null,
      sessions: live.length,
      last_seen_at: latest ? Math.floor(latest.last_seen_at / 1000) : null,
    }
  }

  app.addHook('onRequest', (_request, reply, next) => {
    reply.header('cache-control', 'no-store')
    next()
  })

  app.get(PATHS.apps, { schema: SCHEMAS.list }, async (request) => {
    const uid = Number((await bearer(request)).sub)
    const [granted, all] = await Promise.all([consents.list(uid), sessions.list(uid)])
    const live = all.filter(({ client_id }) => client_id !== PWA_CLIENT_ID)
    const ids = new Set([...live, ...granted].map(({ client_id }) => client_id))
    return {
      apps: [...ids].map((id) =>
        describe(
          id,
          granted.find(({ client_id }) => client_id === id),
          live.filter(({ client_id }) => client_id === id),
        ),
      ),
    }
  })

  app.delete(`${PATHS.apps}/:client_id`, { schema: SCHEMAS.withdraw }, async (request, reply) => {
    const uid = Number((await bearer(request)).sub)
    const { client_id } = request.params
    // The PWA's sessions are the user's devices.
    if (client_id === PWA_CLIENT_ID) throw new BridgeError('not_found')
    // In this order: what is let in meanwhile finds no consent any more. @see createAuthorize
    const wasGranted = await consents.withdraw(uid, client_id)
    const ended = await sessions.endAtClient(uid, client_id, request.log)
    if (!wasGranted && ended === 0) throw new BridgeError('not_found')
    request.log.info({ uid, client_id, sessions: ended }, 'app withdrawn')
    return reply.code(204).send(null)
  })

  done()
}
