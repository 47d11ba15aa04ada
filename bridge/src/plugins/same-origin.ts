import type { FastifyRequest } from 'fastify'
import { BridgeError } from '../errors.ts'

/**
 * A hook for every address that sets or reads a cookie: the request must come from a page of the
 * issuer itself. Browsers of today say so in a header that no page can set; older ones send the
 * origin. Whoever sends neither is no browser, and has no cookie to be careful with.
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function requireSameOrigin(issuer: string) {
  return (request: FastifyRequest): Promise<void> => {
    const site = request.headers['sec-fetch-site']
    const sameOrigin =
      site === undefined ? request.headers.origin === issuer : site === 'same-origin'
    return sameOrigin ? Promise.resolve() : Promise.reject(new BridgeError('origin_refused'))
  }
}
