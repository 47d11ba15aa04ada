import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BridgeError } from '../errors.ts'

/** What the bridge keeps in browsers: a refresh token; a sign-in under way at a provider. */
export type OwnCookie = 'drawbridge_refresh' | 'drawbridge_continue'

declare module 'fastify' {
  interface FastifyRequest {
    /** @throws BridgeError invalid_request where it came twice */
    readOwnCookie(name: OwnCookie): string | undefined
  }
  interface FastifyReply {
    /** @param maxAge seconds; undefined: until the browser is closed */
    setOwnCookie(name: OwnCookie, value: string, maxAge: number | undefined): FastifyReply
    clearOwnCookie(name: OwnCookie): FastifyReply
  }
}

/**
 * The cookies of the bridge: out of the reach of scripts, and on https with the `__Host-` prefix, so
 * that no sibling host can plant another.
 * @see https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-the-__host-prefix
 */
export const ownCookies = fp<{ issuer: string }>(async (app, { issuer }) => {
  const secure = issuer.startsWith('https:')
  const prefixed = (name: OwnCookie) => `${secure ? '__Host-' : ''}${name}`
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure } as const

  await app.register(cookie)

  app.decorateRequest('readOwnCookie', function (this: FastifyRequest, own: OwnCookie) {
    const name = prefixed(own)
    // Two of one name: one is not ours, and which one is anybody's guess.
    const sent = (this.headers.cookie ?? '').split(';').filter((pair) => {
      return pair.split('=')[0]?.trim() === name
    })
    if (sent.length > 1) throw new BridgeError('invalid_request')
    return this.cookies[name]
  })
  app.decorateReply(
    'setOwnCookie',
    function (this: FastifyReply, own: OwnCookie, value: string, maxAge: number | undefined) {
      const life = maxAge === undefined ? {} : { maxAge }
      return this.setCookie(prefixed(own), value, { ...attributes, ...life })
    },
  )
  app.decorateReply('clearOwnCookie', function (this: FastifyReply, own: OwnCookie) {
    return this.clearCookie(prefixed(own), attributes)
  })
})
