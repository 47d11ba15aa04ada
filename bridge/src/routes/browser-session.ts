import type { FastifyReply, FastifyRequest } from 'fastify'
import { PWA_CLIENT_ID } from '../contract/index.ts'
import type { Identity } from '../odoo/port.ts'
import type { Session } from '../sessions/port.ts'
import type { Clients } from '../tokens/clients.ts'
import type { IssuedTokens } from '../tokens/issued-tokens.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { deviceOf } from './sign-in.ts'

/**
 * Who is signed in in a browser: the session of the refresh cookie, the PWA's. Apps of the same
 * browser are let in by it.
 */
export interface BrowserSessions {
  /**
   * @returns undefined where nobody is, Odoo does not stand by them any more, or the session cannot
   * be shared because it acts at Odoo by a session of Odoo's own
   */
  current(request: FastifyRequest): Promise<Session | undefined>
  /**
   * Signs somebody in in this browser, in place of whoever was: nobody who holds the cookie of
   * before has anything any more.
   * @param persistent whether the session may outlive the browser; where nobody was asked it may,
   * unless the one that it replaces may not
   * @returns its first tokens; the cookie is set
   * @throws KeysUnavailable
   */
  enter(
    request: FastifyRequest,
    reply: FastifyReply,
    identity: Identity,
    persistent?: boolean,
  ): Promise<IssuedTokens>
  /** Has the browser keep a refresh token: until it expires, or only until the browser is closed. */
  keep(reply: FastifyReply, tokens: IssuedTokens): void
}

export interface BrowserSessionsOptions {
  clients: Clients
  sessions: Sessions
}

export function createBrowserSessions(options: BrowserSessionsOptions): BrowserSessions {
  const { clients, sessions } = options
  const client = clients.get(PWA_CLIENT_ID)
  if (!client) throw new TypeError('The PWA is not a registered client.')
  const isBrowsers = (clientId: string) => clientId === PWA_CLIENT_ID

  const current = async (request: FastifyRequest) => {
    const token = request.readOwnCookie('drawbridge_refresh')
    if (token === undefined) return undefined
    const session = await sessions.current(token, isBrowsers, request.log)
    return session?.odoo_session === null ? session : undefined
  }

  const keep = (reply: FastifyReply, tokens: IssuedTokens): void => {
    const { refresh_token, refresh_expires_in, persistent } = tokens
    const maxAge = persistent ? refresh_expires_in : undefined
    reply.setOwnCookie('drawbridge_refresh', refresh_token, maxAge)
  }

  return {
    current,

    keep,

    enter: async (request, reply, identity, persistent) => {
      const before = await current(request)
      const token = request.readOwnCookie('drawbridge_refresh')
      // Somebody else's goes first, with all that was let in from it.
      if (before && before.uid !== identity.uid && token !== undefined) {
        await sessions.end(token, isBrowsers, request.log)
      }
      const grant = {
        client,
        scope: client.scope,
        audience: client.resources,
        persistent: persistent ?? before?.persistent !== 0,
      }
      const tokens = await sessions.start(identity, grant, deviceOf(request), request.log)
      keep(reply, tokens)
      if (before?.uid === identity.uid) await sessions.replace(before, tokens.sid, request.log)
      return tokens
    },
  }
}
