import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

/** What a sign-in page shows; whatever is absent is not shown. */
export interface SignInPage {
  /** Whom it is for. Without one there is no form: all it says is `problem`. */
  client?: string
  problem?: string
  login?: string
  /** Given where the code is due. */
  held_password?: string
  /** Where the form goes. */
  action?: string
  /** Other places to sign in at. */
  providers?: { name: string; url: string }[]
  /** Where to begin again. */
  retry?: string
}

declare module 'fastify' {
  interface FastifyReply {
    /** @param formTarget an origin besides the bridge's own to which the form may lead */
    signInPage(page: SignInPage, formTarget?: string): FastifyReply
  }
}

/** The bridge's own pages: no scripts, nothing from elsewhere, framed by nobody, kept by nobody. */
export const pages = fp(async (app) => {
  const views = join(import.meta.dirname, '../oauth/views')
  await app.register(view, { engine: { eta: new Eta({ views }) }, root: views })

  app.decorateReply('signInPage', function (this: FastifyReply, page: SignInPage, formTarget = '') {
    const nonce = randomBytes(16).toString('base64')
    // A browser applies form-action to the redirect that follows the form, too.
    const policy = [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      `form-action 'self' ${formTarget}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]
    return this.headers({
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
    }).view('sign-in.eta', {
      client: '',
      problem: '',
      login: '',
      held_password: '',
      action: '',
      providers: [],
      retry: '',
      ...page,
      nonce,
    })
  })
})
