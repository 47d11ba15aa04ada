import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ERRORS, PATHS } from '../contract/index.ts'
import type { SecretKeys } from '../keys/port.ts'
import {
  authorizationResponse,
  parseAuthorizationRequest,
  type AuthorizationRequest,
  type ParsedAuthorizationRequest,
} from '../oauth/authorization-request.ts'
import type { Authorize } from '../oauth/authorize.ts'
import { errorCodeOf, refuse } from '../plugins/errors.ts'
import type { SignInPage } from '../plugins/pages.ts'
import { requireSameOrigin } from '../plugins/same-origin.ts'
import type { Clients } from '../tokens/clients.ts'
import { hold, release } from '../tokens/hold.ts'
import { Page, PageOrRefusal, Redirect } from './answers.ts'
import { deviceOf, Login, Password, Totp, type SignIn } from './sign-in.ts'

export interface AuthorizeRouteOptions {
  issuer: string
  clients: Clients
  secrets: SecretKeys
  signIn: SignIn
  authorize: Authorize
  /** Other places to sign in at, given the address to come back to. */
  providers: (returnTo: string) => { name: string; url: string }[]
}

/** Milliseconds that somebody has to look up the code of their second factor. */
const CODE_PATIENCE = 5 * 60_000

/** The two steps of the form; most people see the first alone. */
const PasswordStep = Type.Object({ login: Login, password: Password })
const CodeStep = Type.Object({
  login: Login,
  held_password: Type.String({ minLength: 1, maxLength: 8192 }),
  totp: Totp,
})
const SignInBody = Type.Union([PasswordStep, CodeStep])

const parameter = (description: string) => Type.Optional(Type.Unknown({ description }))
/**
 * For readers alone: what is wrong with a request is told to the client in an address, or to the
 * person in a page, so the route itself looks.
 */
const Query = Type.Object({
  response_type: parameter('code'),
  client_id: parameter('of a registered client'),
  redirect_uri: parameter('one that is registered, letter by letter'),
  scope: parameter('space separated; all that the client may have where absent'),
  state: parameter('comes back with the answer'),
  code_challenge: parameter('base64url of the SHA-256 of the verifier (RFC 7636)'),
  code_challenge_method: parameter('S256'),
  resource: parameter('one audience (RFC 8707)'),
})

const SCHEMAS = {
  get: {
    tags: ['oauth'],
    summary: 'The sign-in form (RFC 6749 §3.1)',
    querystring: Query,
    response: { 200: Page, 303: Redirect, 400: Page },
  },
  post: {
    tags: ['oauth'],
    summary: 'What the sign-in form sends',
    consumes: ['application/x-www-form-urlencoded'],
    querystring: Query,
    body: SignInBody,
    // In the form again, unless the request did not come from it.
    response: { 200: Page, 303: Redirect, '4xx': PageOrRefusal, '5xx': PageOrRefusal },
  },
}

type Refusal = Exclude<ParsedAuthorizationRequest, { kind: 'valid' }>

/** The authorization endpoint, with a plain HTML sign-in form. Step B2. @see RFC 6749 §3.1 */
export const authorizeRoute: FastifyPluginAsyncTypebox<AuthorizeRouteOptions> = async (
  app,
  { issuer, clients, secrets, signIn, authorize, providers },
) => {
  await app.register(formbody)

  const form = (
    request: FastifyRequest,
    reply: FastifyReply,
    { client, redirectUri }: AuthorizationRequest,
    page: SignInPage = {},
  ) =>
    reply.signInPage(
      {
        client: client.client_name,
        action: request.url,
        providers: providers(request.url),
        ...page,
      },
      new URL(redirectUri).origin,
    )

  const turnAway = (reply: FastifyReply, refusal: Refusal) => {
    if (refusal.kind === 'untrusted') {
      return reply.code(400).signInPage({ problem: refusal.problem })
    }
    const { redirectUri, state, error } = refusal
    const error_description = ERRORS[error].description
    return reply.redirect(
      authorizationResponse(redirectUri, issuer, { error, error_description, state }),
      303,
    )
  }

  app.get(PATHS.authorize, { schema: SCHEMAS.get }, async (request, reply) => {
    const parsed = parseAuthorizationRequest(request.query, clients)
    return parsed.kind === 'valid' ? form(request, reply, parsed.request) : turnAway(reply, parsed)
  })

  app.post(
    PATHS.authorize,
    { onRequest: requireSameOrigin(issuer), schema: SCHEMAS.post },
    async (request, reply) => {
      const parsed = parseAuthorizationRequest(request.query, clients)
      if (parsed.kind !== 'valid') return turnAway(reply, parsed)
      const { body } = request
      const { login } = body
      const purpose = ['password', parsed.request.client.client_id, login]
      const password =
        'password' in body
          ? body.password
          : await release(secrets, purpose, body.held_password, Date.now())
      if (password === undefined) {
        request.log.info({ code: 'held_password' }, 'refused')
        const problem = 'That took too long. Sign in again.'
        return form(request, reply.code(401), parsed.request, { login, problem })
      }
      try {
        const totp = 'totp' in body ? { totp: body.totp } : {}
        const identity = await signIn(request, { login, password, ...totp })
        const answer = await authorize(identity, parsed.request, deviceOf(request), request.log)
        return await reply.redirect(answer, 303)
      } catch (error) {
        // A person sits before this: what went wrong is said in the form, not in JSON.
        const refusal = errorCodeOf(error)
        const problem = refuse(request, reply, refusal, error)
        if (refusal !== 'mfa_required' && refusal !== 'invalid_totp') {
          return form(request, reply, parsed.request, { login, problem })
        }
        return form(request, reply, parsed.request, {
          login,
          // That the code is due is not the person's fault.
          problem: refusal === 'mfa_required' ? '' : problem,
          held_password: await hold(secrets, purpose, password, Date.now() + CODE_PATIENCE),
        })
      }
    },
  )
}
