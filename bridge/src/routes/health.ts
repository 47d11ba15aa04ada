import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger } from 'fastify'
import type { Static } from 'typebox'
import type { Signer } from '../keys/port.ts'
import type { IdentityProvider } from '../odoo/port.ts'
import type { SessionStore } from '../sessions/port.ts'
import { Liveness, Readiness } from './answers.ts'

export interface HealthRoutesOptions {
  store: SessionStore
  signer: Signer
  odoo: IdentityProvider
}

/** Milliseconds that an answer of the parts is repeated, so that nobody hammers Odoo through it. */
const REPEATED_FOR = 1000

type Readiness = Static<typeof Readiness>

/** Whether the process lives, and whether all that it needs answers. */
export const healthRoutes: FastifyPluginCallbackTypebox<HealthRoutesOptions> = (
  app,
  { store, signer, odoo },
  done,
) => {
  const check = async (
    name: keyof Readiness,
    ask: () => Promise<unknown>,
    log: FastifyBaseLogger,
  ): Promise<Readiness[keyof Readiness]> => {
    try {
      await ask()
      return 'ok'
    } catch (error) {
      log.warn({ err: error, part: name }, 'not ready')
      return 'unavailable'
    }
  }

  const checkAll = async (log: FastifyBaseLogger): Promise<Readiness> => {
    const [database, keys, odooAnswer] = await Promise.all([
      check('database', () => store.ping(), log),
      check('keys', () => signer.ready(), log),
      check('odoo', () => odoo.ping(), log),
    ])
    return { database, keys, odoo: odooAnswer }
  }

  let last: { answer: Promise<Readiness>; until: number } | undefined
  const readiness = (log: FastifyBaseLogger): Promise<Readiness> => {
    if (last && Date.now() < last.until) return last.answer
    const asked = { answer: checkAll(log), until: Infinity }
    last = asked
    // Whoever comes while the parts are being asked waits for the same answer.
    void asked.answer.then(() => {
      asked.until = Date.now() + REPEATED_FOR
    })
    return asked.answer
  }

  app.get(
    '/healthz',
    {
      schema: {
        tags: ['operation'],
        summary: 'Whether the process lives',
        response: { 200: Liveness },
      },
    },
    () => Promise.resolve({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        tags: ['operation'],
        summary: 'Whether all that the bridge needs answers',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (request, reply) => {
      const parts = await readiness(request.log)
      const ready = Object.values(parts).every((part) => part === 'ok')
      return reply.code(ready ? 200 : 503).send(parts)
    },
  )

  done()
}
