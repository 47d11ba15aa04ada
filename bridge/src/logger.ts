import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyLoggerOptions, FastifyRequest } from 'fastify'

/** Logs each request without its query, headers or body: those are where secrets travel. */
export const logger = (level: string): FastifyLoggerOptions & { level: string } => ({
  level,
  serializers: {
    req: (request: FastifyRequest) => ({
      method: request.method,
      path: request.url.split('?')[0],
      remoteAddress: request.ip,
    }),
  },
})

const WELL_FORMED = /^[\w.-]{8,64}$/

/** The name of a request in the log: the gate's, if it is one, so that both logs can be joined. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : randomUUID()
}
