import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { PATHS } from '../contract/index.ts'

/** What pages of any origin may call: no cookie counts there, what is presented is the only proof. */
const OPEN: readonly string[] = [
  PATHS.token,
  PATHS.jwks,
  PATHS.authorizationServerMetadata,
  PATHS.protectedResourceMetadata,
]

/** Cross-origin rules for the whole bridge: open where it says so, shut everywhere else. */
export const anyOrigin = fp(async (app) => {
  await app.register(cors, {
    hook: 'onRequest',
    delegator: (
      request: FastifyRequest,
      decide: (error: Error | null, options?: FastifyCorsOptions) => void,
    ) => {
      const path = request.url.split('?')[0] ?? ''
      decide(
        null,
        OPEN.includes(path) ? { origin: '*', methods: ['GET', 'POST'] } : { origin: false },
      )
    },
  })
})
