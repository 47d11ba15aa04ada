import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, type ValidateResponse } from '../contract/index.ts'
import type { Gate } from '../plugins/gate.ts'
import { requireJson } from '../plugins/json-only.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { ValidateAnswer } from './answers.ts'

export interface ValidateRouteOptions {
  gate: Gate
  accessTokens: AccessTokens
  sessions: Sessions
}

const Body = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 8192 }),
    audience: Type.String({ minLength: 1, maxLength: 500 }),
  },
  { additionalProperties: false },
)

const SCHEMA = {
  tags: ['gate'],
  summary: 'Whether an access token is good for an audience, ended sessions included',
  security: [{ gateCredential: [] }],
  body: Body,
  response: { 200: ValidateAnswer },
}

/** Explicit validation, for a gate that is told to ask: it sees an ended session at once. Step A6. */
export const validateRoute: FastifyPluginCallbackTypebox<ValidateRouteOptions> = (
  app,
  { gate, accessTokens, sessions },
  done,
) => {
  app.addHook('onRequest', gate.requireGate)
  app.addHook('onRequest', requireJson)

  app.post(PATHS.validate, { schema: SCHEMA }, async (request): Promise<ValidateResponse> => {
    const { token, audience } = request.body
    const { status, claims } = await accessTokens.verify(token, audience)
    if (!claims) return { status }
    return (await sessions.isLive(claims.sid)) ? { status, claims } : { status: 'Invalid' }
  })

  done()
}
