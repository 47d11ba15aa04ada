import fp from 'fastify-plugin'

/**
 * Ends each connection with the answer that was under way when the bridge began to close: kept
 * open, it would hold the process up until the client lets go of it, a minute later.
 */
export const closing = fp((app, _options, done) => {
  let isClosing = false
  app.addHook('preClose', (next) => {
    isClosing = true
    next()
  })
  app.addHook('onSend', (_request, reply, payload, next) => {
    if (isClosing) reply.header('connection', 'close')
    next(null, payload)
  })
  done()
})
