import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { MOST_UIDS, ODOO_EVENTS_PATH } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { onlyOdoo, type OdooProofs } from '../plugins/odoo.ts'
import type { Reconcile } from '../tokens/reconcile.ts'
import { NoContent } from './answers.ts'

export interface OdooEventsRouteOptions {
  proofs: OdooProofs
  reconcile: Reconcile
  /** Told how each event was answered. */
  observe: (outcome: 'accepted' | 'refused') => void
}

/** Bytes: the ids of a thousand users. */
const MOST_BYTES = 16 * 1024

const uid = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })
const browser = Type.String({ pattern: '^[\\w-]{20,100}$' })
const Body = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 100 }),
    uids: Type.Optional(Type.Array(uid, { minItems: 1, maxItems: MOST_UIDS })),
    all: Type.Optional(Type.Literal(true)),
    browsers: Type.Optional(Type.Array(browser, { minItems: 1, maxItems: 100 })),
  },
  { additionalProperties: false, minProperties: 2 },
)

const SCHEMA = {
  tags: ['odoo'],
  summary: 'Odoo tells whose stamps to read again, signed by the key of the addon',
  security: [{ odoo: [] }],
  body: Body,
  response: { 204: NoContent },
}

/**
 * Odoo's word that something about users has changed. It is only a reason to ask Odoo: who could
 * forge or repeat an event would have the bridge compare stamps that are right, and end nothing.
 */
export const odooEventsRoute: FastifyPluginCallbackTypebox<OdooEventsRouteOptions> = (
  app,
  { proofs, reconcile, observe },
  done,
) => {
  // The addon sends an event again that was not answered, as it was.
  const claimsOf = onlyOdoo(app, { proofs, repeatable: true })
  app.addHook('onResponse', (_request, reply, next) => {
    observe(reply.statusCode === 204 ? 'accepted' : 'refused')
    next()
  })

  app.post(ODOO_EVENTS_PATH, { schema: SCHEMA, bodyLimit: MOST_BYTES }, async (request, reply) => {
    const event = request.body
    if (event.id !== claimsOf(request).jti) throw new BridgeError('invalid_request')
    request.log.info({ event: event.id }, 'Odoo told of a change')
    const { all, uids = [], browsers = [] } = event
    reconcile.lookAt(all ? 'all' : uids, browsers)
    return reply.code(204).send(null)
  })

  done()
}
