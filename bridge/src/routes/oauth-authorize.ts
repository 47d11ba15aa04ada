import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { ERRORS, PATHS } from '../contract/index.ts'
import type { SecretKeys } from '../keys/port.ts'
import {
  parseAuthorizationRequest,
  type AuthorizationRequest,
  type Parameters,
  type ParsedAuthorizationRequest,
} from '../oauth/authorization-request.ts'
import { mustSignIn } from '../oauth/interaction.ts'
import type { Identity } from '../odoo/port.ts'
import { errorCodeOf, logRefusal, refuse } from '../plugins/errors.ts'
import { explain, sendRefusalPage } from '../plugins/pages.ts'
import { requireSameOrigin } from '../plugins/same-origin.ts'
import type { Clients } from '../tokens/clients.ts'
import { hold, release } from '../tokens/hold.ts'
import { Page, Redirect } from './answers.ts'
import type { AuthorizationAnswers } from './authorization-answer.ts'
import type { BrowserSessions } from './browser-session.ts'
import type { ProviderLink } from './continue.ts'
import { described } from './described.ts'
import { Login, Password, Totp, type SignIn } from './sign-in.ts'

export interface AuthorizeRouteOptions {
  issuer: string
  clients: Clients
  secrets: SecretKeys
  signIn: SignIn
  browser: BrowserSessions
  answers: AuthorizationAnswers
  /** Other places to sign in at, given the address to come back to. */
  providers: (returnTo: string) => ProviderLink[]
  /** Where Odoo helps with a forgotten password; undefined where browsers do not reach it. */
  forgotten: string | undefined
}

/** Milliseconds that somebody has to look up the code of their second factor. */
const CODE_PATIENCE = 5 * 60_000

/** The box that says that others use this computer, too. */
const Shared = Type.Optional(Type.Literal('true'))
/** The two steps of the form; most people see the first alone. */
const PasswordStep = Type.Object({ login: Login, password: Password, shared: Shared })
const CodeStep = Type.Object({
  login: Login,
  shared: Shared,
  held_password: Type.String({ minLength: 1, maxLength: 8192 }),
  totp: Totp,
})
/** What the page of the consent sends. */
const ConsentStep = Type.Object({
  held_identity: Type.String({ minLength: 1, maxLength: 8192 }),
  consent: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
})
/** A client's request, by POST. @see OpenID Connect Core 1.0 §3.1.2.1 */
const RequestByPost = Type.Object({ client_id: Type.Unknown() })
const Body = Type.Union([PasswordStep, CodeStep, ConsentStep, RequestByPost])
type SignInBody = Static<typeof PasswordStep> | Static<typeof CodeStep>

const Query = Type.Object({
  response_type: described('code'),
  client_id: described('of a registered client'),
  redirect_uri: described('one that is registered, letter by letter'),
  scope: described('space separated; all that the client may have where absent'),
  state: described('comes back with the answer'),
  code_challenge: described('base64url of the SHA-256 of the verifier (RFC 7636)'),
  code_challenge_method: described('S256'),
  resource: described('one audience (RFC 8707)'),
  nonce: described('comes back in the ID token'),
  prompt: described('none, or some of login, consent, select_account'),
  max_age: described('seconds since the user signed in, at most'),
  login_hint: described('login of whom is expected'),
  id_token_hint: described('ID token of whom is expected'),
  ui_locales: described('languages, the best one first'),
  claims: described('what the client wants to know (OpenID Connect Core 1.0 §5.5)'),
})

const SCHEMAS = {
  get: {
    tags: ['oauth'],
    summary: 'An authorization request (RFC 6749 §3.1): the code, or a page for the user',
    querystring: Query,
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
  post: {
    tags: ['oauth'],
    summary: "What the bridge's own pages send; or a client's request, which is sent on to GET",
    consumes: ['application/x-www-form-urlencoded'],
    querystring: Query,
    body: Body,
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
}

/** What the form shows besides its fields. */
interface FormState {
  problem?: string
  login?: string
  /** Whether the box was ticked. */
  shared?: boolean
  /** Given where the code is due. */
  held_password?: string
}

type Refusal = Exclude<ParsedAuthorizationRequest, { kind: 'valid' }>

/** The authorization endpoint. Step B2. @see RFC 6749 §3.1, OpenID Connect Core 1.0 §3.1.2 */
export const authorizeRoute: FastifyPluginAsyncTypebox<AuthorizeRouteOptions> = async (
  app,
  { issuer, clients, secrets, signIn, browser, answers, providers, forgotten },
) => {
  await app.register(formbody)

  // A person sits before this, or an app asked for an answer without one: neither reads JSON.
  app.setErrorHandler((error, request, reply) => {
    const parsed = parseAuthorizationRequest(request.query as Parameters, clients)
    const asked = parsed.kind === 'valid' ? parsed.request : undefined
    if (!asked?.prompt.has('none')) {
      const wanted = asked?.uiLocales ?? []
      return sendRefusalPage(request, reply, error, { wanted, retry: request.url })
    }
    const code = errorCodeOf(error)
    logRefusal(request, code, error)
    const isShort = ERRORS[code].status === 503
    return answers.refuse(reply, asked, isShort ? 'temporarily_unavailable' : 'server_error')
  })

  const form = (
    request: FastifyRequest,
    reply: FastifyReply,
    { client, redirectUri, loginHint, uiLocales }: AuthorizationRequest,
    state: FormState = {},
  ) => {
    const t = reply.texts(uiLocales)
    return reply.sendPage(t, {
      view: 'sign-in',
      title: t.sign_in.title,
      data: {
        lead: t.sign_in.lead.replace('{}', () => client.client_name),
        action: request.url,
        providers: providers(request.url),
        forgotten,
        login: loginHint,
        shared: false,
        problem: '',
        held_password: '',
        ...state,
      },
      formTarget: redirectUri,
    })
  }

  const turnAway = (reply: FastifyReply, refusal: Refusal) => {
    if (refusal.kind === 'refused') return answers.refuse(reply, refusal, refusal.error)
    const t = reply.texts()
    return reply.code(400).sendProblem(t, t.untrusted[refusal.problem])
  }

  app.get(PATHS.authorize, { schema: SCHEMAS.get }, async (request, reply) => {
    const parsed = parseAuthorizationRequest(request.query, clients)
    if (parsed.kind !== 'valid') return turnAway(reply, parsed)
    const asked = parsed.request
    const [session, expected] = await Promise.all([
      browser.current(request),
      answers.expected(asked),
    ])
    if (session && !mustSignIn(asked, session, expected, Date.now())) {
      const subject = await answers.ofBrowser(session, asked, request.log)
      if (subject) return answers.answer(request, reply, subject, asked, request.url)
    }
    return asked.prompt.has('none')
      ? answers.refuse(reply, asked, 'login_required')
      : form(request, reply, asked)
  })

  /** Answers the request of somebody who has just typed a password. */
  const letIn = async (
    request: FastifyRequest,
    reply: FastifyReply,
    identity: Identity,
    asked: AuthorizationRequest,
    { login, shared }: { login: string; shared: boolean },
  ): Promise<FastifyReply> => {
    // A box that is not ticked says nothing: it makes no own computer of a shared one.
    const persistent = shared ? false : undefined
    try {
      const expected = await answers.expected(asked)
      if (expected !== undefined && expected !== String(identity.uid)) {
        await answers.forget(identity, request.log)
        return await answers.refuse(reply, asked, 'login_required')
      }
      // What acts at Odoo by a session of Odoo's own cannot share it: the app's stands by itself.
      const browserSid =
        identity.odooSession === null
          ? (await browser.enter(request, reply, identity, persistent)).sid
          : null
      const subject = { identity, browserSid, persistent, login }
      return await answers.answer(request, reply, subject, asked, request.url)
    } catch (error) {
      await answers.forget(identity, request.log)
      throw error
    }
  }

  /** Asks Odoo who that is, and answers the request. */
  const takeForm = async (
    request: FastifyRequest,
    reply: FastifyReply,
    asked: AuthorizationRequest,
    body: SignInBody,
  ): Promise<FastifyReply> => {
    const { login } = body
    const shared = body.shared !== undefined
    const t = reply.texts(asked.uiLocales)
    const purpose = ['password', asked.client.client_id, login]
    const password =
      'password' in body
        ? body.password
        : await release(secrets, purpose, body.held_password, Date.now())
    if (password === undefined) {
      request.log.info({ code: 'held_password' }, 'refused')
      return form(request, reply.code(401), asked, { login, shared, problem: t.too_late })
    }
    try {
      const totp = 'totp' in body ? { totp: body.totp } : {}
      const identity = await signIn(request, { login, password, ...totp })
      return await letIn(request, reply, identity, asked, { login, shared })
    } catch (error) {
      // A person sits before this: what went wrong is said in the form, not in JSON.
      const refusal = errorCodeOf(error)
      refuse(request, reply, refusal, error)
      const problem = explain(t, refusal)
      if (refusal !== 'mfa_required' && refusal !== 'invalid_totp') {
        return form(request, reply, asked, { login, shared, problem })
      }
      return form(request, reply, asked, {
        login,
        shared,
        // That the code is due is not the person's fault.
        problem: refusal === 'mfa_required' ? '' : problem,
        held_password: await hold(secrets, purpose, password, Date.now() + CODE_PATIENCE),
      })
    }
  }

  const fromOwnPage = requireSameOrigin(issuer)

  app.post(PATHS.authorize, { schema: SCHEMAS.post }, async (request, reply) => {
    const { body } = request
    // A client's own request comes from its site, and without the cookie: it is begun anew by GET.
    if ('client_id' in body) {
      const query = new URLSearchParams()
      for (const [name, values] of Object.entries(body as Record<string, string | string[]>)) {
        for (const value of [values].flat()) query.append(name, value)
      }
      return reply.redirect(`${PATHS.authorize}?${query.toString()}`, 303)
    }
    await fromOwnPage(request)
    const parsed = parseAuthorizationRequest(request.query, clients)
    if (parsed.kind !== 'valid') return turnAway(reply, parsed)
    const asked = parsed.request
    if (!('consent' in body)) return takeForm(request, reply, asked, body)
    const address = await answers.settle(request, asked, body)
    if (address !== undefined) {
      return reply.header('cache-control', 'no-store').redirect(address, 303)
    }
    const problem = reply.texts(asked.uiLocales).too_late
    return form(request, reply.code(401), asked, { problem })
  })
}
