import { PassThrough } from 'node:stream'
import Fastify, { LogController } from 'fastify'
import { test } from 'tap'
import { logger } from '../../src/logger.ts'
import { requestLog } from '../../src/plugins/request-log.ts'

test('one line a request; of quiet routes only those that went wrong', async (t) => {
  const stream = new PassThrough({ encoding: 'utf8' })
  const app = Fastify({
    logger: { ...logger('info'), stream },
    logController: new LogController({ disableRequestLogging: true }),
  })
  t.teardown(() => app.close())
  await app.register(requestLog)
  app.get('/usual', () => 'ok')
  app.get('/quiet', { config: { quiet: true } }, (request, reply) => {
    const { status } = request.query as { status?: string }
    return reply.code(Number(status ?? 200)).send('x')
  })
  for (const url of ['/usual', '/quiet', '/quiet?status=401', '/quiet?status=500', '/nothing']) {
    await app.inject({ url })
  }
  const lines = String(stream.read())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; req: { path: string }; res: object })
    .filter(({ msg }) => msg === 'answered')
  t.match(
    lines.map(({ req, res }) => [req.path, res]),
    [
      ['/usual', { statusCode: 200 }],
      ['/quiet', { statusCode: 401 }],
      ['/quiet', { statusCode: 500 }],
      ['/nothing', { statusCode: 404 }],
    ],
  )
  t.equal(lines.length, 4)
})
