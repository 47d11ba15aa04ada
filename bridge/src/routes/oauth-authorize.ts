import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ERRORS, PATHS } from '../contract/index.ts'
import { CODE_TTL, createCode } from '../oauth/authorization-code.ts'
import {
  authorizationResponse,
  parseAuthorizationRequest,
  type AuthorizationRequest,
  type Parameters,
  type ParsedAuthorizationRequest,
} from '../oauth/authorization-request.ts'
import type { IdentityProvider } from '../odoo/port.ts'
import { errorCodeOf, refuse } from '../plugins/errors.ts'
import { requireSameOrigin } from '../plugins/same-origin.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Clients } from '../tokens/clients.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { deviceOf, signIn } from './sign-in.ts'

export interface AuthorizeRouteOptions {
  issuer: string
  clients: Clients
  odoo: IdentityProvider
  sessions: Sessions
  store: SessionStore
}

const SignInBody = Type.Object({
  login: Type.String({ minLength: 1, maxLength: 200 }),
  password: Type.String({ minLength: 1, maxLength: 1000 }),
})

type Refusal = Exclude<ParsedAuthorizationRequest, { kind: 'valid' }>

/** The authorization endpoint, with a plain HTML sign-in form. Step B2. @see RFC 6749 §3.1 */
export const authorizeRoute: FastifyPluginAsyncTypebox<AuthorizeRouteOptions> = async (
  app,
  { issuer, clients, odoo, sessions, store },
) => {
  await app.register(formbody)
  const views = join(import.meta.dirname, '../oauth/views')
  await app.register(view, { engine: { eta: new Eta({ views }) }, root: views })

  const page = (reply: FastifyReply, data: Record<string, string>, formAction = '') => {
    const nonce = randomBytes(16).toString('base64')
    // A browser applies form-action to the redirect that follows the form, too.
    const policy = [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      `form-action 'self' ${formAction}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]
    return reply
      .headers({ 'content-security-policy': policy.join('; '), 'cache-control': 'no-store' })
      .view('sign-in.eta', { client: '', problem: '', login: '', action: '', ...data, nonce })
  }

  const form = (
    request: FastifyRequest,
    reply: FastifyReply,
    { client, redirectUri }: AuthorizationRequest,
    problem = '',
    login = '',
  ) =>
    page(
      reply,
      { client: client.client_name, action: request.url, problem, login },
      new URL(redirectUri).origin,
    )

  const turnAway = (reply: FastifyReply, refusal: Refusal) => {
    if (refusal.kind === 'untrusted') return page(reply.code(400), { problem: refusal.problem })
    const { redirectUri, state, error } = refusal
    const error_description = ERRORS[error].description
    return reply.redirect(
      authorizationResponse(redirectUri, issuer, { error, error_description, state }),
      303,
    )
  }

  app.get(PATHS.authorize, async (request, reply) => {
    const parsed = parseAuthorizationRequest(request.query as Parameters, clients)
    return parsed.kind === 'valid' ? form(request, reply, parsed.request) : turnAway(reply, parsed)
  })

  app.post(
    PATHS.authorize,
    { onRequest: requireSameOrigin(issuer), schema: { body: SignInBody } },
    async (request, reply) => {
      const parsed = parseAuthorizationRequest(request.query as Parameters, clients)
      if (parsed.kind !== 'valid') return turnAway(reply, parsed)
      const { client, redirectUri, state, codeChallenge, scope, audience } = parsed.request
      try {
        const identity = await signIn(odoo, request, request.body)
        const grant = { client, scope, audience: [audience] }
        const sid = await sessions.startPending(
          identity,
          grant,
          deviceOf(request),
          CODE_TTL,
          request.log,
        )
        const code = await createCode(store, {
          sid,
          client_id: client.client_id,
          redirect_uri: redirectUri,
          code_challenge: codeChallenge,
        })
        return await reply.redirect(
          authorizationResponse(redirectUri, issuer, { code, state }),
          303,
        )
      } catch (error) {
        // A person sits before this: what went wrong is said in the form, not in JSON.
        const problem = refuse(request, reply, errorCodeOf(error), error)
        return form(request, reply, parsed.request, problem, request.body.login)
      }
    },
  )
}
