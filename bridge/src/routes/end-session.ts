import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PATHS, PWA_CLIENT_ID } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import { withParameters } from '../oauth/with-parameters.ts'
import { sendRefusalPage } from '../plugins/pages.ts'
import { requireSameOrigin } from '../plugins/same-origin.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Client, Clients } from '../tokens/clients.ts'
import { hold, release } from '../tokens/hold.ts'
import type { IdTokens } from '../tokens/id-token.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { Page, Redirect } from './answers.ts'
import type { BrowserSessions } from './browser-session.ts'
import { described } from './described.ts'

export interface EndSessionRouteOptions {
  issuer: string
  clients: Clients
  secrets: SecretKeys
  sessions: Sessions
  store: SessionStore
  idTokens: IdTokens
  browser: BrowserSessions
}

/** Milliseconds that somebody may think about it. */
const PATIENCE = 10 * 60_000

const PURPOSE = ['end_session']

const Parameters = Type.Object({
  id_token_hint: described('of the client that asks'),
  client_id: described('of the client that asks'),
  post_logout_redirect_uri: described('one that is registered, letter by letter'),
  state: described('comes back with the address'),
  ui_locales: described('languages, the best one first'),
  logout_hint: described('not used'),
})
const Confirmed = Type.Object({ held_request: Type.String({ minLength: 1, maxLength: 8192 }) })

const SCHEMAS = {
  get: {
    tags: ['oauth'],
    summary: 'A client signs its user out (OpenID Connect RP-Initiated Logout 1.0)',
    querystring: Parameters,
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
  post: {
    tags: ['oauth'],
    summary: "The same by POST; or what the bridge's own page sends",
    consumes: ['application/x-www-form-urlencoded'],
    body: Type.Union([Confirmed, Parameters]),
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
}

/** What a client asks for, as far as it is in order. */
interface LogoutRequest {
  /** Where to go afterwards; null: nowhere. */
  address: string | null
  /** The session that the hint is of. */
  sid: string | undefined
  locales: string[]
}

/** Where clients send their users to sign out. @see OpenID Connect RP-Initiated Logout 1.0 §2 */
export const endSessionRoute: FastifyPluginAsyncTypebox<EndSessionRouteOptions> = async (
  app,
  { issuer, clients, secrets, sessions, store, idTokens, browser },
) => {
  await app.register(formbody)
  // A person sits before this: what went wrong is said in a page, not in JSON.
  app.setErrorHandler((error, request, reply) =>
    sendRefusalPage(request, reply, error, { retry: request.url }),
  )

  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined

  /** @returns undefined where anything does not fit: nobody is sent anywhere then */
  const parse = async (given: Record<string, unknown>): Promise<LogoutRequest | undefined> => {
    if (Object.values(given).some((value) => Array.isArray(value))) return undefined
    const hint = text(given['id_token_hint'])
    const known = hint === undefined ? undefined : await idTokens.readHint(hint)
    if (hint !== undefined && !known) return undefined
    const named = text(given['client_id'])
    if (known && named !== undefined && named !== known.aud) return undefined
    const client: Client | undefined = clients.get(known?.aud ?? named ?? '')
    const uri = text(given['post_logout_redirect_uri'])
    if (uri !== undefined && !client?.post_logout_redirect_uris.includes(uri)) return undefined
    const state = text(given['state'])
    const address = uri === undefined ? null : withParameters(uri, { state })
    const locales = (text(given['ui_locales']) ?? '').split(' ')
    return { address, sid: known?.sid, locales }
  }

  const done = (reply: FastifyReply, { address, locales }: LogoutRequest): FastifyReply => {
    reply.clearOwnCookie('drawbridge_refresh').header('cache-control', 'no-store')
    if (address !== null) return reply.redirect(address, 303)
    const t = reply.texts(locales)
    return reply.sendPage(t, {
      view: 'sign-out',
      title: t.sign_out.done,
      data: { held_request: '', action: '' },
    })
  }

  /** Ends the session of the browser, and with it those of its apps. */
  const signOut = async (request: FastifyRequest): Promise<void> => {
    const token = request.readOwnCookie('drawbridge_refresh')
    if (token === undefined) return
    await sessions.end(token, (clientId) => clientId === PWA_CLIENT_ID, request.log)
  }

  const take = async (
    request: FastifyRequest,
    reply: FastifyReply,
    given: Record<string, unknown>,
  ): Promise<FastifyReply> => {
    const asked = await parse(given)
    const t = reply.texts(asked?.locales)
    if (!asked) {
      return reply.code(400).sendProblem(t, t.untrusted.logout_redirect_uri)
    }
    const own = asked.sid === undefined ? undefined : await store.get(asked.sid)
    const session = await browser.current(request)
    if (own) {
      // Whoever has the ID token is the app that was let in from there: no need to ask.
      const byThisBrowser = session !== undefined && own.browser_sid === session.sid
      const byNobody = session === undefined
      if (byThisBrowser || byNobody) {
        await sessions.endByClient(own, request.log)
        return done(reply, asked)
      }
    }
    // A link of anybody's must not sign people out.
    if (!session) return done(reply, asked)
    return reply.sendPage(t, {
      view: 'sign-out',
      title: t.sign_out.title,
      data: {
        action: PATHS.endSession,
        held_request: await hold(secrets, PURPOSE, JSON.stringify(asked), Date.now() + PATIENCE),
      },
      ...(asked.address === null ? {} : { formTarget: asked.address }),
    })
  }

  const fromOwnPage = requireSameOrigin(issuer)

  app.get(PATHS.endSession, { schema: SCHEMAS.get }, async (request, reply) =>
    take(request, reply, request.query),
  )

  app.post(PATHS.endSession, { schema: SCHEMAS.post }, async (request, reply) => {
    const { body } = request
    if (!('held_request' in body)) return take(request, reply, body)
    await fromOwnPage(request)
    const opened = await release(secrets, PURPOSE, body.held_request, Date.now())
    if (opened === undefined) throw new BridgeError('invalid_request')
    await signOut(request)
    return done(reply, JSON.parse(opened) as LogoutRequest)
  })
}
