import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { PATHS, type SessionTokenResponse } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { requireJson } from '../plugins/json-only.ts'
import { requireSameOrigin } from '../plugins/same-origin.ts'
import type { Clients } from '../tokens/clients.ts'
import type { IssuedTokens } from '../tokens/issued-tokens.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { NoContent, SessionTokenAnswer } from './answers.ts'
import type { BrowserSessions } from './browser-session.ts'
import { Login, Password, Totp, type SignIn } from './sign-in.ts'

export interface AuthRoutesOptions {
  issuer: string
  clients: Clients
  signIn: SignIn
  sessions: Sessions
  browser: BrowserSessions
}

const LoginBody = Type.Object(
  {
    login: Login,
    password: Password,
    totp: Type.Optional(Totp),
    persistent: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const EmptyBody = Type.Object({}, { additionalProperties: false })

const SCHEMAS = {
  login: {
    tags: ['auth'],
    summary: 'Sign in with a login and password of Odoo',
    body: LoginBody,
    response: { 200: SessionTokenAnswer },
  },
  refresh: {
    tags: ['auth'],
    summary: 'The next access token; the cookie moves on',
    security: [{ refreshCookie: [] }],
    body: EmptyBody,
    response: { 200: SessionTokenAnswer },
  },
  logout: {
    tags: ['auth'],
    summary: 'End the session of the cookie, here and at Odoo',
    security: [{ refreshCookie: [] }],
    body: EmptyBody,
    response: { 204: NoContent },
  },
}

/** Sign-in of the PWA: the refresh token travels by cookie. Steps A1–A4 and A9–A12. */
export const authRoutes: FastifyPluginCallbackTypebox<AuthRoutesOptions> = (app, options, done) => {
  const { issuer, clients, signIn, sessions, browser } = options
  const travelsByCookie = (clientId: string) => clients.get(clientId)?.refresh_delivery === 'cookie'

  app.addHook('onRequest', requireSameOrigin(issuer))
  app.addHook('onRequest', requireJson)

  const answer = (reply: FastifyReply, tokens: IssuedTokens): SessionTokenResponse => {
    reply.header('cache-control', 'no-store')
    const { access_token, expires_in, scope, refresh_expires_in, persistent } = tokens
    return { access_token, token_type: 'Bearer', expires_in, scope, refresh_expires_in, persistent }
  }

  app.post(PATHS.login, { schema: SCHEMAS.login }, async (request, reply) => {
    const { persistent = true, ...typed } = request.body
    const identity = await signIn(request, typed)
    return answer(reply, await browser.enter(request, reply, identity, persistent))
  })

  app.post(PATHS.refresh, { schema: SCHEMAS.refresh }, async (request, reply) => {
    const token = request.readOwnCookie('drawbridge_refresh')
    const tokens = token && (await sessions.refresh(token, travelsByCookie, request.log))
    if (!tokens) {
      reply.clearOwnCookie('drawbridge_refresh')
      throw new BridgeError('invalid_refresh_token')
    }
    browser.keep(reply, tokens)
    return answer(reply, tokens)
  })

  app.post(PATHS.logout, { schema: SCHEMAS.logout }, async (request, reply) => {
    const token = request.readOwnCookie('drawbridge_refresh')
    if (token !== undefined) await sessions.end(token, travelsByCookie, request.log)
    return reply.clearOwnCookie('drawbridge_refresh').code(204).send(null)
  })

  done()
}
