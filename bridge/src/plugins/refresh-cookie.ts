import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BridgeError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The refresh token in the cookie. @throws BridgeError invalid_request where it came twice */
    readRefreshCookie(): string | undefined
  }
  interface FastifyReply {
    /** @param maxAge seconds */
    setRefreshCookie(token: string, maxAge: number): FastifyReply
    clearRefreshCookie(): FastifyReply
  }
}

/**
 * The cookie that holds the refresh token: out of the reach of scripts, and on https with the
 * `__Host-` prefix, so that no sibling host can plant another.
 * @see https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-the-__host-prefix
 */
export const refreshCookie = fp<{ issuer: string }>(async (app, { issuer }) => {
  const secure = issuer.startsWith('https:')
  const name = `${secure ? '__Host-' : ''}drawbridge_refresh`
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure } as const

  await app.register(cookie)

  app.decorateRequest('readRefreshCookie', function (this: FastifyRequest) {
    // Two of one name: one is not ours, and which one is anybody's guess.
    const sent = (this.headers.cookie ?? '').split(';').filter((pair) => {
      return pair.split('=')[0]?.trim() === name
    })
    if (sent.length > 1) throw new BridgeError('invalid_request')
    return this.cookies[name]
  })
  app.decorateReply(
    'setRefreshCookie',
    function (this: FastifyReply, token: string, maxAge: number) {
      return this.setCookie(name, token, { ...attributes, maxAge })
    },
  )
  app.decorateReply('clearRefreshCookie', function (this: FastifyReply) {
    return this.clearCookie(name, attributes)
  })
})
