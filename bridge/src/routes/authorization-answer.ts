import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, type ErrorCode } from '../contract/index.ts'
import type { SecretKeys } from '../keys/port.ts'
import { authorizationResponse, type AuthorizationRequest } from '../oauth/authorization-request.ts'
import type { Authorize } from '../oauth/authorize.ts'
import { mustConsent } from '../oauth/interaction.ts'
import type { Identity } from '../odoo/port.ts'
import type { ConsentStore, Session } from '../sessions/port.ts'
import { hold, release } from '../tokens/hold.ts'
import type { IdTokens } from '../tokens/id-token.ts'
import { deviceOf } from './sign-in.ts'

/** Milliseconds that somebody may think about what to let an app do. */
const PATIENCE = 10 * 60_000

/** Who has signed in, and the browser's session, where there is one to share. */
export interface Subject {
  identity: Identity
  browserSid: string | null
}

/** Who is signed in in the browser already. */
export const subjectOf = (session: Session): Subject => ({
  identity: {
    uid: session.uid,
    roles: session.roles.split(' ').filter((role) => role !== ''),
    amr: session.amr.split(' ').filter((method) => method !== ''),
    odooSession: null,
    odooStamp: session.odoo_stamp,
    authTime: session.auth_time,
    odooBrowser: session.odoo_browser,
  },
  browserSid: session.sid,
})

export interface AuthorizationAnswerOptions {
  issuer: string
  secrets: SecretKeys
  consents: ConsentStore
  idTokens: IdTokens
  authorize: Authorize
}

/** Answers authorization requests of people who are known by now. */
export type AuthorizationAnswers = ReturnType<typeof createAuthorizationAnswers>

export function createAuthorizationAnswers(options: AuthorizationAnswerOptions) {
  const { issuer, secrets, consents, idTokens, authorize } = options

  /** Tells the client, at an address that is known to be its own. @see RFC 6749 §4.1.2.1 */
  const refusal = (
    { redirectUri, state }: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
    error: ErrorCode,
  ): string => {
    const error_description = ERRORS[error].description
    return authorizationResponse(redirectUri, issuer, { error, error_description, state })
  }

  const lead = (reply: FastifyReply, address: string): FastifyReply =>
    reply.header('cache-control', 'no-store').redirect(address, 303)

  const codeFor = (
    request: FastifyRequest,
    { identity, browserSid }: Subject,
    asked: AuthorizationRequest,
  ): Promise<string> => authorize(identity, asked, deviceOf(request), browserSid, request.log)

  /** The same page is asked from, and answered to. */
  const purpose = (client_id: string, action: string) => ['consent', client_id, action]

  return {
    /** Leads back to the client with a refusal. */
    refuse: (
      reply: FastifyReply,
      asked: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
      error: ErrorCode,
    ): FastifyReply => lead(reply, refusal(asked, error)),

    /** The user that the request expects; undefined where it expects nobody in particular. */
    expected: async ({ idTokenHint }: AuthorizationRequest): Promise<string | undefined> => {
      if (idTokenHint === undefined) return undefined
      // What does not hold names nobody.
      return (await idTokens.readHint(idTokenHint))?.sub ?? ''
    },

    /**
     * The code, or first the question whether the app may have it.
     * @param action address of the authorization request
     */
    answer: async (
      request: FastifyRequest,
      reply: FastifyReply,
      subject: Subject,
      asked: AuthorizationRequest,
      action: string,
    ): Promise<FastifyReply> => {
      const { client, prompt, scope, redirectUri, uiLocales } = asked
      const granted = await consents.scopeOf(subject.identity.uid, client.client_id)
      if (!mustConsent(asked, granted)) {
        return lead(reply, await codeFor(request, subject, asked))
      }
      if (prompt.has('none')) return lead(reply, refusal(asked, 'consent_required'))
      const t = reply.texts(uiLocales)
      const { title, scopes, other } = t.consent
      return reply.sendPage(t, {
        view: 'consent',
        title: title.replace('{}', () => client.client_name),
        data: {
          action,
          scopes: scope.map((word) => scopes[word] ?? other.replace('{}', () => word)),
          held_identity: await hold(
            secrets,
            purpose(client.client_id, action),
            JSON.stringify(subject),
            Date.now() + PATIENCE,
          ),
        },
        formTarget: new URL(redirectUri).origin,
      })
    },

    /**
     * What the user said to the question.
     * @returns the address that tells the client; undefined if that was too long ago, or to another question
     */
    settle: async (
      request: FastifyRequest,
      asked: AuthorizationRequest,
      said: { held_identity: string; consent: 'allow' | 'deny' },
    ): Promise<string | undefined> => {
      const { client_id } = asked.client
      const held = purpose(client_id, request.url)
      const opened = await release(secrets, held, said.held_identity, Date.now())
      if (opened === undefined) return undefined
      if (said.consent === 'deny') return refusal(asked, 'access_denied')
      const subject = JSON.parse(opened) as Subject
      const { uid } = subject.identity
      const before = await consents.scopeOf(uid, client_id)
      await consents.grant(uid, client_id, [...new Set([...before, ...asked.scope])], Date.now())
      return codeFor(request, subject, asked)
    },
  }
}
