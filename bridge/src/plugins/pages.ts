import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import accepts from '@fastify/accepts'
import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ERRORS, type ErrorCode } from '../contract/index.ts'
import { textsFor, type Texts } from '../pages/texts.ts'
import { errorCodeOf, refuse } from './errors.ts'

/** A page, in the words of its reader. What its view needs besides `t` and `title`. */
export interface Page {
  view: 'sign-in' | 'consent' | 'sign-out' | 'problem'
  title: string
  data?: Record<string, unknown>
  /** A registered address besides the bridge's own to which its form may lead. */
  formTarget?: string
}

declare module 'fastify' {
  interface FastifyReply {
    /** @param wanted languages that the request asks for besides those of the browser */
    texts(wanted?: readonly string[]): Texts
    sendPage(texts: Texts, page: Page): FastifyReply
    /**
     * Says in a page what is wrong, in the words of its reader.
     * @param retry a path of the bridge where it may go better
     */
    sendProblem(texts: Texts, problem: string, retry?: string): FastifyReply
  }
}

/** An address as a policy names it: by its origin, or by the scheme that an app has for itself. */
function sourceOf(address: string): string {
  const { origin, protocol } = new URL(address)
  return origin === 'null' ? protocol : origin
}

/** What a person is told of a refusal. */
export const explain = (t: Texts, code: ErrorCode): string =>
  t.errors[code] ?? ERRORS[code].description

/**
 * Answers with a refusal where a person sits before it: the status and headers that all have, and a
 * page in place of JSON.
 * @param wanted languages that the request asks for besides those of the browser
 * @param retry a path of the bridge where it may go better
 */
export function sendRefusalPage(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  { wanted = [], retry }: { wanted?: readonly string[]; retry: string },
): FastifyReply {
  const code = errorCodeOf(error)
  refuse(request, reply, code, error)
  const t = reply.texts(wanted)
  return reply.sendProblem(t, explain(t, code), retry)
}

/** The bridge's own pages: no scripts, nothing from elsewhere, framed by nobody, kept by nobody. */
export const pages = fp(async (app) => {
  const views = join(import.meta.dirname, '../pages/views')
  await app.register(accepts)
  await app.register(view, { engine: { eta: new Eta({ views }) }, root: views })

  app.decorateReply('texts', function (this: FastifyReply, wanted: readonly string[] = []) {
    return textsFor([...wanted, ...this.request.languages()])
  })

  app.decorateReply('sendPage', function (this: FastifyReply, t: Texts, page: Page) {
    const nonce = randomBytes(16).toString('base64')
    // A browser applies form-action to the redirect that follows the form, too.
    const policy = [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      `form-action 'self' ${page.formTarget === undefined ? '' : sourceOf(page.formTarget)}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]
    return this.headers({
      'content-security-policy': policy.join('; '),
      'content-language': t.lang,
      'cache-control': 'no-store',
      vary: 'accept-language',
    }).view(`${page.view}.eta`, { ...page.data, t, title: page.title, nonce })
  })

  app.decorateReply(
    'sendProblem',
    function (this: FastifyReply, t: Texts, problem: string, retry?: string) {
      return this.sendPage(t, {
        view: 'problem',
        title: retry === undefined ? t.problem.title : t.problem.retry_title,
        data: { problem, retry },
      })
    },
  )
})
