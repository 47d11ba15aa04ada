import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ERRORS, type ErrorCode, type ErrorResponse } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { KeysUnavailable } from '../keys/port.ts'
import { OdooSessionEnded, OdooUnavailable } from '../odoo/port.ts'

/** Seconds after which to try again where nothing better is known. */
const RETRY_AFTER = 5

/** What a caller is told of an error: never more than a code and its documented sentence. */
export function errorCodeOf(error: unknown): ErrorCode {
  if (error instanceof BridgeError) return error.code
  if (error instanceof OdooUnavailable) return 'odoo_unavailable'
  if (error instanceof OdooSessionEnded) return 'session_ended'
  if (error instanceof KeysUnavailable) return 'keys_unavailable'
  const { statusCode = 500 } = error as Partial<FastifyError>
  if (statusCode === 415) return 'unsupported_media_type'
  if (statusCode < 500) return 'invalid_request'
  return 'server_error'
}

/** Says in the log why a request was refused. */
export function logRefusal(request: FastifyRequest, code: ErrorCode, error?: unknown): void {
  if (ERRORS[code].status >= 500) request.log.error({ err: error }, code)
  else request.log.info({ code, reason: (error as Error | undefined)?.message }, 'refused')
}

/**
 * Logs a refusal, and sets the status and headers that go with it, whatever the body will be.
 * @returns what a person may read
 */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  error?: unknown,
): string {
  const { status, description } = ERRORS[code]
  logRefusal(request, code, error)
  const retryAfter = error instanceof BridgeError ? error.retryAfter : undefined
  if (status === 503 || status === 429) reply.header('retry-after', retryAfter ?? RETRY_AFTER)
  reply.code(status).header('cache-control', 'no-store')
  return description
}

/** Answers with a refusal in the one shape that all have. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  error?: Error,
): FastifyReply {
  const description = refuse(request, reply, code, error)
  // Whoever calls with a bearer token learns from this header that it is no good. @see RFC 6750 §3.1
  if (code === 'session_ended' || code === 'invalid_token') {
    reply.header(
      'www-authenticate',
      `Bearer error="invalid_token", error_description="${description}"`,
    )
  }
  const odooMessage = error instanceof BridgeError ? error.odooMessage : undefined
  const body: ErrorResponse = {
    error: code,
    error_description: description,
    ...(odooMessage === undefined ? {} : { odoo_message: odooMessage }),
  }
  return reply.send(body)
}

/** Turns whatever was thrown into one shape of answer; the log gets the rest. */
export const errors = fp((app, _options, done) => {
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    sendRefusal(request, reply, errorCodeOf(error), error),
  )
  app.setNotFoundHandler((request, reply) => sendRefusal(request, reply, 'not_found'))
  done()
})
