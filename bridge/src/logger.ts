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
