import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that machines ask all the time: its good answers are for level `debug`. */
    quiet?: boolean
  }
}

/** Logs each request once, when it was answered: two lines would cost as much as the signature. */
export const requestLog = fp((app, _options, done) => {
  app.addHook('onResponse', (request, reply, next) => {
    const quiet = request.routeOptions.config.quiet === true && reply.statusCode < 400
    request.log[quiet ? 'debug' : 'info'](
      { req: request, res: reply, responseTime: reply.elapsedTime },
      'answered',
    )
    next()
  })
  done()
})
