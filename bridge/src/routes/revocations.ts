import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, type RevocationsPage } from '../contract/index.ts'
import type { Gate } from '../plugins/gate.ts'
import type { Revocations } from '../tokens/revocations.ts'
import { RevocationsAnswer } from './answers.ts'

export interface RevocationsRouteOptions {
  gate: Gate
  revocations: Revocations
}

const Query = Type.Object(
  {
    epochs: Type.Optional(
      Type.String({
        maxLength: 2000,
        pattern: '^[\\w,-]*$',
        description: 'the epochs whose list the gate has begun to read, comma separated',
      }),
    ),
    after: Type.Optional(
      Type.String({ maxLength: 1000, description: '`after` of the page that was read last' }),
    ),
  },
  { additionalProperties: false },
)

const SCHEMA = {
  tags: ['gate'],
  summary: 'What a gate must refuse although it has not expired, page by page',
  security: [{ gateCredential: [] }],
  querystring: Query,
  response: { 200: RevocationsAnswer },
}

/** The feed by which gates learn of ended sessions. Each asks once a second. */
export const revocationsRoute: FastifyPluginCallbackTypebox<RevocationsRouteOptions> = (
  app,
  { gate, revocations },
  done,
) => {
  app.addHook('onRequest', gate.requireGate)

  app.get(
    PATHS.revocations,
    { schema: SCHEMA, config: { quiet: true } },
    (request, reply): Promise<RevocationsPage> => {
      reply.header('cache-control', 'no-store')
      const { epochs = '', after = '' } = request.query
      return revocations.page(epochs.split(','), after)
    },
  )

  done()
}
