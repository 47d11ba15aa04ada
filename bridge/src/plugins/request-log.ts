import fp from 'fastify-plugin'

/** Logs each request once, when it was answered: two lines would cost as much as the signature. */
export const requestLog = fp((app, _options, done) => {
  app.addHook('onResponse', (request, reply, next) => {
    request.log.info({ req: request, res: reply, responseTime: reply.elapsedTime }, 'answered')
    next()
  })
  done()
})
