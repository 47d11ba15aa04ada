import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { PATHS } from '../contract/index.ts'
import type { SignInProvider } from '../providers/port.ts'
import { MethodsAnswer } from './answers.ts'
import { beginAt } from './continue.ts'

const SCHEMA = {
  tags: ['auth'],
  summary: 'How one may sign in, besides a password',
  response: { 200: MethodsAnswer },
}

/** What a sign-in page has to offer. */
export const methodsRoute: FastifyPluginCallbackTypebox<{
  providers: readonly SignInProvider[]
}> = (app, { providers }, done) => {
  app.get(PATHS.methods, { schema: SCHEMA }, (_request, reply) => {
    reply.header('cache-control', 'no-cache')
    return { providers: providers.map(({ id, name }) => ({ id, name, url: beginAt(id) })) }
  })
  done()
}
