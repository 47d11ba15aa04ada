import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, type ErrorCode } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { SecretKeys } from '../keys/port.ts'
import { authorizationResponse, type AuthorizationRequest } from '../oauth/authorization-request.ts'
import type { Authorize } from '../oauth/authorize.ts'
import { mustConsent } from '../oauth/interaction.ts'
import type { Identity } from '../odoo/port.ts'
import type { ConsentStore, Session } from '../sessions/port.ts'
import { meetsAcr } from '../tokens/acr.ts'
import { mayUse } from '../tokens/clients.ts'
import { hold, release } from '../tokens/hold.ts'
import type { IdTokens } from '../tokens/id-token.ts'
import type { Sessions } from '../tokens/sessions.ts'
import { deviceOf } from './sign-in.ts'

/** Milliseconds that somebody may think about what to let an app do. */
const PATIENCE = 10 * 60_000

/** Who has signed in, and the browser's session, where there is one to share. */
export interface Subject {
  identity: Identity
  browserSid: string | null
  /** False: where there is no session to share, the app's may not outlive the browser either. */
  persistent?: boolean | undefined
  /** What they have just typed as their login. */
  login?: string
}

/** @param groups of the session's user, external ids */
const subjectOf = (session: Session, groups: string[]): Subject => ({
  identity: {
    uid: session.uid,
    roles: session.roles.split(' ').filter((role) => role !== ''),
    groups,
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
  sessions: Sessions
}

/** Answers authorization requests of people who are known by now. */
export type AuthorizationAnswers = ReturnType<typeof createAuthorizationAnswers>

export function createAuthorizationAnswers(options: AuthorizationAnswerOptions) {
  const { issuer, secrets, consents, idTokens, authorize, sessions } = options

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

  /** The address that brings the code to the client, or the refusal of somebody who may not use it. */
  const codeFor = async (
    request: FastifyRequest,
    { identity, browserSid, persistent }: Subject,
    asked: AuthorizationRequest,
  ): Promise<string> => {
    if (!meetsAcr(identity.amr, asked.claims)) {
      return refusal(asked, 'unmet_authentication_requirements')
    }
    try {
      const where = { browserSid, persistent }
      return await authorize(identity, asked, deviceOf(request), where, request.log)
    } catch (error) {
      if (!(error instanceof BridgeError) || error.code !== 'access_denied') throw error
      const { client_id } = asked.client
      request.log.info({ code: error.code, uid: identity.uid, client_id }, 'refused')
      return refusal(asked, error.code)
    }
  }

  /**
   * Who is signed in in the browser already. Where the client is not for everybody Odoo is asked
   * anew: whoever was let in before is let in elsewhere by what they are now.
   * @returns undefined if that is over
   * @throws OdooUnavailable
   */
  const ofBrowser = async (
    session: Session,
    { client }: AuthorizationRequest,
    log: FastifyBaseLogger,
  ): Promise<Subject | undefined> => {
    const groups = client.groups === undefined ? [] : await sessions.groupsOf(session, log)
    return groups && subjectOf(session, groups)
  }

  /** What was true when the question was asked may not be so any more. */
  const asOfNow = async (
    subject: Subject,
    asked: AuthorizationRequest,
    log: FastifyBaseLogger,
  ): Promise<Subject | undefined> => {
    if (subject.browserSid === null) return subject
    const session = await sessions.find(subject.browserSid)
    return session && ofBrowser(session, asked, log)
  }

  /** Ends at Odoo what a sign-in has begun there, where nobody is going to use it. */
  const forget = (identity: Identity, log: FastifyBaseLogger): Promise<void> =>
    sessions.signOutOfOdoo({ ...identity, odooBrowser: null }, log)

  /** Who that is, for themselves to see; undefined where Odoo does not tell now: they may know. */
  const nameOf = async (
    { browserSid, login }: Subject,
    log: FastifyBaseLogger,
  ): Promise<string | undefined> => {
    if (login !== undefined || browserSid === null) return login
    try {
      const { uid, odoo } = await sessions.asUser(browserSid)
      const [user] = await odoo.read<{ name: string }>('res.users', [uid], ['name'])
      return user?.name
    } catch (error) {
      log.warn({ err: error }, 'the name of a user could not be read')
      return undefined
    }
  }

  /** The same page is asked from, and answered to. */
  const purpose = (client_id: string, action: string) => ['consent', client_id, action]

  return {
    ofBrowser,

    forget,

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
      // Nobody is asked for what they could not be given anyway.
      const { amr, groups } = subject.identity
      const isInVain = !mayUse(client, groups) || !meetsAcr(amr, asked.claims)
      if (isInVain || !mustConsent(asked, granted)) {
        return lead(reply, await codeFor(request, subject, asked))
      }
      if (prompt.has('none')) {
        await forget(subject.identity, request.log)
        return lead(reply, refusal(asked, 'consent_required'))
      }
      const t = reply.texts(uiLocales)
      const { title, as, scopes, other } = t.consent
      const name = await nameOf(subject, request.log)
      return reply.sendPage(t, {
        view: 'consent',
        title: title.replace('{}', () => client.client_name),
        data: {
          action,
          who: name === undefined ? undefined : as.replace('{}', () => name),
          scopes: scope.map((word) => scopes[word] ?? other.replace('{}', () => word)),
          held_identity: await hold(
            secrets,
            purpose(client.client_id, action),
            JSON.stringify(subject),
            Date.now() + PATIENCE,
          ),
        },
        formTarget: redirectUri,
      })
    },

    /**
     * What the user said to the question.
     * @returns the address that tells the client; undefined if that was too long ago, to another
     * question, or in a browser that was signed out since
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
      const before = JSON.parse(opened) as Subject
      if (said.consent === 'deny') {
        await forget(before.identity, request.log)
        return refusal(asked, 'access_denied')
      }
      const subject = await asOfNow(before, asked, request.log)
      if (!subject) return undefined
      const { uid } = subject.identity
      await consents.grant(uid, client_id, asked.scope, Date.now())
      return codeFor(request, subject, asked)
    },
  }
}
