import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS } from '../contract/index.ts'
import { errorCodeOf, sendRefusal } from './errors.ts'

/** Answers what could not be routed, such as an address with a broken escape. */
export function frameworkErrors(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  void sendRefusal(request, reply, errorCodeOf(error), error)
}

/** Answers what is no HTTP, has headers too large, or came too slowly: no request comes of it. */
export function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket): void {
  // A reset connection has nobody to answer, and one that is answered already is only closed.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const { status, description } = ERRORS.invalid_request
  const body = JSON.stringify({ error: 'invalid_request', error_description: description })
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
