import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { MOST_UIDS, ODOO_EVENTS_PATH, type EventClaims } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { requireJson } from '../plugins/json-only.ts'
import { verifyBody } from '../tokens/event.ts'
import type { Reconcile } from '../tokens/reconcile.ts'
import { NoContent } from './answers.ts'

export interface OdooEventsRouteOptions {
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
  tags: ['operation'],
  summary: 'Odoo tells whose stamps to read again, signed by the key of the addon',
  security: [{ odooEvent: [] }],
  body: Body,
  response: { 204: NoContent },
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new BridgeError('invalid_request', { cause })
  }
}

/**
 * Odoo's word that something about users has changed. It is only a reason to ask Odoo: who could
 * forge or repeat an event would have the bridge compare stamps that are right, and end nothing.
 */
export const odooEventsRoute: FastifyPluginCallbackTypebox<OdooEventsRouteOptions> = (
  app,
  { reconcile, observe },
  done,
) => {
  const proofs = new WeakMap<FastifyRequest, EventClaims>()

  // The digest is of the bytes as they came.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, body)
  })
  // The schema is for the document; what it says is checked when the bytes are known to be Odoo's.
  app.setValidatorCompiler(() => () => true)

  // In this order: nothing of a stranger's body is read.
  app.addHook('onRequest', async (request) => {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const verifier = reconcile.verifier()
    if (!verifier) throw new BridgeError('invalid_event', { description: 'no key is pinned yet' })
    proofs.set(request, verifier.verifyProof(token))
    await requireJson(request)
  })
  app.addHook('onResponse', (_request, reply, next) => {
    observe(reply.statusCode === 204 ? 'accepted' : 'refused')
    next()
  })

  app.post(ODOO_EVENTS_PATH, { schema: SCHEMA, bodyLimit: MOST_BYTES }, async (request, reply) => {
    const body = request.body as unknown
    const claims = proofs.get(request)
    if (!Buffer.isBuffer(body) || !claims) throw new BridgeError('invalid_request')
    verifyBody(claims, body)
    const event = parse(body)
    if (!Value.Check(Body, event) || event.id !== claims.jti) {
      throw new BridgeError('invalid_request')
    }
    request.log.info({ event: event.id }, 'Odoo told of a change')
    const { all, uids = [], browsers = [] } = event
    reconcile.lookAt(all ? 'all' : uids, browsers)
    return reply.code(204).send(null)
  })

  done()
}
