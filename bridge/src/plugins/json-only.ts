import type { FastifyRequest } from 'fastify'
import { BridgeError } from '../errors.ts'

/** A hook that turns away what an HTML form can send without a preflight, bodies of any length. */
export function requireJson(request: FastifyRequest): Promise<void> {
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  return mediaType === 'application/json'
    ? Promise.resolve()
    : Promise.reject(new BridgeError('unsupported_media_type'))
}
