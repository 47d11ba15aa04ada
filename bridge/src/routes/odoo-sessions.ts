import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  MOST_LISTED_SESSIONS,
  ODOO_END_SESSIONS_PATH,
  ODOO_SESSIONS_PATH,
  PWA_CLIENT_ID,
  type OdooSession,
} from '../contract/index.ts'
import { onlyOdoo, type OdooProofs } from '../plugins/odoo.ts'
import type { Session } from '../sessions/port.ts'
import type { Clients } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'

export interface OdooSessionsRoutesOptions {
  proofs: OdooProofs
  clients: Clients
  sessions: Sessions
}

const uid = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })
const sid = Type.String({ maxLength: 100, pattern: '^[\\w-]+$' })

const security = [{ odoo: [] }]
const SCHEMAS = {
  list: {
    tags: ['odoo'],
    summary: 'Live sessions, of one user or of all',
    security,
    body: Type.Object(
      {
        uid: Type.Optional(uid),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_LISTED_SESSIONS })),
      },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object({
        sessions: Type.Array(
          Type.Object({
            sid: Type.String(),
            uid: Type.Integer(),
            client_id: Type.String(),
            client_name: Type.String(),
            first_party: Type.Boolean(),
            device: Type.String(),
            ip: Type.String(),
            created_at: Type.Integer(),
            last_seen_at: Type.Integer(),
            late_replays: Type.Integer(),
          }),
        ),
        more: Type.Boolean({ description: 'whether there are others, used longer ago' }),
      }),
    },
  },
  end: {
    tags: ['odoo'],
    summary: 'End sessions of one user',
    security,
    body: Type.Union([
      Type.Object(
        { uid, sids: Type.Array(sid, { minItems: 1, maxItems: MOST_LISTED_SESSIONS }) },
        { additionalProperties: false },
      ),
      Type.Object({ uid, all: Type.Literal(true) }, { additionalProperties: false }),
    ]),
    response: { 200: Type.Object({ ended: Type.Integer({ description: 'how many' }) }) },
  },
}

/**
 * The sessions of its users, for the paired Odoo to show and to end. Who may see and end which is
 * for Odoo to say; here each is ended only as one of the user that Odoo names.
 */
export const odooSessionsRoutes: FastifyPluginCallbackTypebox<OdooSessionsRoutesOptions> = (
  app,
  { proofs, clients, sessions },
  done,
) => {
  // "All" of a moment ago must not end what has begun since.
  onlyOdoo(app, { proofs })

  const describe = (session: Session): OdooSession => ({
    sid: session.sid,
    uid: session.uid,
    client_id: session.client_id,
    client_name: clients.get(session.client_id)?.client_name ?? session.client_id,
    first_party: session.client_id === PWA_CLIENT_ID,
    device: session.device,
    ip: session.ip,
    created_at: Math.floor(session.created_at / 1000),
    last_seen_at: Math.floor(session.last_seen_at / 1000),
    late_replays: session.late_replays,
  })

  app.post(ODOO_SESSIONS_PATH, { schema: SCHEMAS.list }, async (request) => {
    const { uid, limit = MOST_LISTED_SESSIONS } = request.body
    const found = await (uid === undefined ? sessions.listAll(limit + 1) : sessions.list(uid))
    return { sessions: found.slice(0, limit).map(describe), more: found.length > limit }
  })

  app.post(ODOO_END_SESSIONS_PATH, { schema: SCHEMAS.end }, async (request) => {
    const { body, log } = request
    log.info(
      { uid: body.uid, ...('sids' in body ? { sids: body.sids } : {}) },
      'Odoo ends sessions',
    )
    if ('all' in body) return { ended: await sessions.endAll(body.uid, log, 'ended_in_odoo') }
    let ended = 0
    for (const sid of new Set(body.sids)) {
      if (await sessions.endOwn(sid, body.uid, log, 'ended_in_odoo')) ended += 1
    }
    return { ended }
  })

  done()
}
