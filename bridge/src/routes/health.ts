import type { FastifyPluginCallback } from 'fastify'
import type { Signer } from '../keys/port.ts'
import type { IdentityProvider } from '../odoo/port.ts'
import type { SessionStore } from '../sessions/port.ts'

export interface HealthRoutesOptions {
  store: SessionStore
  signer: Signer
  odoo: IdentityProvider
}

/** Whether the process lives, and whether all that it needs answers. */
export const healthRoutes: FastifyPluginCallback<HealthRoutesOptions> = (app, options, done) => {
  const { store, signer, odoo } = options
  const parts = {
    database: () => store.ping(),
    keys: () => signer.publicJwks(),
    odoo: () => odoo.ping(),
  }

  app.get('/healthz', () => Promise.resolve({ status: 'ok' }))

  app.get('/readyz', async (request, reply) => {
    const answers = await Promise.all(
      Object.entries(parts).map(async ([name, check]) => {
        try {
          await check()
          return [name, 'ok'] as const
        } catch (error) {
          request.log.warn({ err: error, part: name }, 'not ready')
          return [name, 'unavailable'] as const
        }
      }),
    )
    const ready = answers.every(([, answer]) => answer === 'ok')
    return reply.code(ready ? 200 : 503).send(Object.fromEntries(answers))
  })

  done()
}
