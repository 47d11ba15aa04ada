import { randomBytes } from 'node:crypto'
import { parse } from 'node:querystring'
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { CONTINUE_PATH, ERRORS, PATHS } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import {
  parseAuthorizationRequest,
  type AuthorizationRequest,
} from '../oauth/authorization-request.ts'
import { signedInAfter } from '../oauth/interaction.ts'
import type { Identity } from '../odoo/port.ts'
import { errorCodeOf } from '../plugins/errors.ts'
import { sendRefusalPage } from '../plugins/pages.ts'
import type { SignInProvider } from '../providers/port.ts'
import type { Clients } from '../tokens/clients.ts'
import { hold, release } from '../tokens/hold.ts'
import { returnPath } from '../tokens/return-path.ts'
import { Page, Redirect } from './answers.ts'
import type { AuthorizationAnswers, Subject } from './authorization-answer.ts'
import type { BrowserSessions } from './browser-session.ts'
import { described } from './described.ts'
import type { SignInOutcome } from './sign-in.ts'

export interface ContinueRoutesOptions {
  issuer: string
  clients: Clients
  providers: readonly SignInProvider[]
  secrets: SecretKeys
  browser: BrowserSessions
  answers: AuthorizationAnswers
  /** Told how each return from a provider ended. */
  observe: (outcome: SignInOutcome) => void
}

/** Seconds that somebody has to sign in at a provider. */
const PATIENCE = 600

const COOKIE = 'drawbridge_continue'

/** Characters: nginx takes 4096 bytes of headers from an upstream, where nobody tells it otherwise. */
const LONGEST_COOKIE = 2800

/** Seconds that the clock of a provider may be behind. */
const CLOCK_LEEWAY = 5

/** What the browser carries, sealed, while it is away. */
interface Attempt {
  codeVerifier: string
  returnTo: string
  /** False: the session may not outlive the browser. Undefined where nobody said so. */
  persistent?: false | undefined
  /** Seconds since 1970: when the user has to have signed in. */
  after?: number | undefined
}

const Params = Type.Object({ provider: Type.String({ maxLength: 64 }) })

const SCHEMAS = {
  begin: {
    tags: ['auth'],
    summary: 'Go and sign in at a provider',
    params: Params,
    querystring: Type.Object({
      return_to: described('a path of this origin; / where absent'),
      persistent: described('false: the session may not outlive the browser; true is the default'),
    }),
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
  callback: {
    tags: ['auth'],
    summary: 'The way back from a provider (RFC 6749 §4.1.2)',
    params: Params,
    querystring: Type.Object({
      code: described('of the provider'),
      state: described('as it was sent there'),
      iss: described('who answers (RFC 9207)'),
      error: described('instead of a code'),
    }),
    response: { 200: Page, 303: Redirect, '4xx': Page, '5xx': Page },
  },
}

/** Where a sign-in at a provider begins. */
export const beginAt = (id: string): string => `${CONTINUE_PATH}/${id}`

/** A link to sign in at a provider. */
export interface ProviderLink {
  name: string
  url: string
  /** The same at a shared computer. */
  sharedUrl: string
}

/** Links to providers, for a page that is to be come back to. */
export const createProviderLinks =
  (providers: readonly SignInProvider[]) =>
  (returnTo: string): ProviderLink[] =>
    providers.map(({ id, name }) => {
      const url = `${beginAt(id)}?${new URLSearchParams({ return_to: returnTo }).toString()}`
      return { name, url, sharedUrl: `${url}&persistent=false` }
    })

/** Whether somebody is known to have signed in at a time, in seconds since 1970, or later. */
const isSince = ({ authTime }: Identity, after: number): boolean =>
  authTime !== null && authTime / 1000 >= after - CLOCK_LEEWAY

/**
 * Whether a session may outlive the browser, as an address says it. Anybody can write one, so `true`
 * says no more than nothing: it makes no own computer of a shared one.
 * @throws BridgeError invalid_request for all but one `true` or `false`: what is meant to be a short
 * session must not become a long one by a slip
 */
function readPersistent(given: unknown): false | undefined {
  if (given === 'false') return false
  if (given !== undefined && given !== 'true') throw new BridgeError('invalid_request')
  return undefined
}

/** Whether a browser opened this as a page, or does not say. @see https://www.w3.org/TR/fetch-metadata/ */
const isNavigation = ({ headers }: FastifyRequest): boolean =>
  ['document', undefined].includes(headers['sec-fetch-dest'])

/**
 * Sign-in elsewhere, and the way back. The state that goes there opens a cookie of the browser that
 * began: whoever is made to come back with somebody else's state, or code, gets nowhere.
 * @see RFC 9700 §4.7
 */
export const continueRoutes: FastifyPluginCallbackTypebox<ContinueRoutesOptions> = (
  app,
  { issuer, clients, providers, secrets, browser, answers, observe },
  done,
) => {
  const providerOf = (id: string): SignInProvider => {
    const provider = providers.find((each) => each.id === id)
    if (!provider) throw new BridgeError('not_found')
    return provider
  }

  /** The authorization request that is to be come back to; undefined for any other page. */
  const askedAt = (returnTo: string): AuthorizationRequest | undefined => {
    const [path, query] = returnTo.split(/\?(.*)/s)
    if (path !== PATHS.authorize) return undefined
    const parsed = parseAuthorizationRequest(parse(query ?? ''), clients)
    // What is not valid the endpoint itself says best.
    return parsed.kind === 'valid' ? parsed.request : undefined
  }

  const requestOf = (id: string, state: string, { codeVerifier, after }: Attempt) => ({
    state,
    codeVerifier,
    after,
    redirectUri: `${issuer}${beginAt(id)}/callback`,
  })

  // A person sits before this: what went wrong is said in a page, not in JSON.
  app.setErrorHandler((error, request, reply) =>
    sendRefusalPage(request, reply, error, { retry: '/' }),
  )

  /** Takes the attempt off the browser, good or not: it is for one return. */
  const takeAttempt = async (
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    state: string,
  ): Promise<Attempt> => {
    const held = request.readOwnCookie(COOKIE)
    reply.clearOwnCookie(COOKIE)
    const opened = held && (await release(secrets, ['continue', id, state], held, Date.now()))
    if (!opened) throw new BridgeError('sign_in_not_begun')
    return JSON.parse(opened) as Attempt
  }

  /** Leads somebody who has just signed in to where they wanted to go. */
  const leadOn = async (
    request: FastifyRequest,
    reply: FastifyReply,
    subject: Subject,
    returnTo: string,
  ): Promise<FastifyReply> => {
    const asked = askedAt(returnTo)
    if (!asked) return reply.header('cache-control', 'no-store').redirect(returnTo, 303)
    const expected = await answers.expected(asked)
    if (expected !== undefined && expected !== String(subject.identity.uid)) {
      return answers.refuse(reply, asked, 'login_required')
    }
    // Answered here, because the endpoint might ask for another sign-in.
    return answers.answer(request, reply, subject, asked, returnTo)
  }

  app.get(`${CONTINUE_PATH}/:provider`, { schema: SCHEMAS.begin }, async (request, reply) => {
    const provider = providerOf(request.params.provider)
    const returnTo = returnPath(request.query.return_to, issuer)
    if (returnTo === undefined) throw new BridgeError('invalid_request')
    const persistent = readPersistent(request.query.persistent)
    // Another site must not sign people in here unasked.
    const site = request.headers['sec-fetch-site']
    if (!['same-origin', 'none', undefined].includes(site) || !isNavigation(request)) {
      throw new BridgeError('origin_refused')
    }
    const state = randomBytes(32).toString('base64url')
    const asked = askedAt(returnTo)
    const attempt: Attempt = {
      codeVerifier: randomBytes(32).toString('base64url'),
      returnTo,
      persistent,
      after: asked && signedInAfter(asked, Date.now()),
    }
    const held = await hold(
      secrets,
      ['continue', provider.id, state],
      JSON.stringify(attempt),
      Date.now() + PATIENCE * 1000,
    )
    if (held.length > LONGEST_COOKIE) throw new BridgeError('invalid_request')
    const address = await provider.authorizationUrl(requestOf(provider.id, state, attempt))
    return reply
      .setOwnCookie(COOKIE, held, PATIENCE)
      .header('cache-control', 'no-store')
      .redirect(address, 303)
  })

  app.get(
    `${CONTINUE_PATH}/:provider/callback`,
    { schema: SCHEMAS.callback },
    async (request, reply) => {
      let outcome: SignInOutcome = 'fault'
      try {
        const provider = providerOf(request.params.provider)
        const answer = new URLSearchParams(request.url.split(/\?(.*)/s)[1])
        // What stands twice is read differently by different readers. @see RFC 6749 §3.1
        const doubled = new Set(answer.keys()).size !== answer.size
        if (doubled || !isNavigation(request)) throw new BridgeError('invalid_request')
        const state = answer.get('state') ?? ''
        const attempt = await takeAttempt(request, reply, provider.id, state)
        const identity = await provider.identify(answer, requestOf(provider.id, state, attempt))
        if (!identity) throw new BridgeError('sign_in_refused', { cause: answer.get('error') })
        if (attempt.after !== undefined && !isSince(identity, attempt.after)) {
          throw new BridgeError('sign_in_refused', { description: 'not signed in anew there' })
        }
        const { sid } = await browser.enter(request, reply, identity, attempt.persistent)
        outcome = 'identity'
        return await leadOn(request, reply, { identity, browserSid: sid }, attempt.returnTo)
      } catch (error) {
        if (ERRORS[errorCodeOf(error)].status === 403) outcome = 'denied'
        throw error
      } finally {
        observe(outcome)
      }
    },
  )

  done()
}
