/**
 * The peer behind `auth_request`: a Fastify application that verifies with fast-jwt, cache on and
 * log off. Takes one {@link VerifierJob}, sends one {@link VerifierReady}.
 */
import { createVerifier } from 'fast-jwt'
import fastify from 'fastify'

export interface VerifierJob {
  publicKey: string
  issuer: string
  audience: string
}

export interface VerifierReady {
  port: number
}

async function serve({ publicKey, issuer, audience }: VerifierJob): Promise<VerifierReady> {
  const verify = createVerifier({
    key: publicKey,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache: true,
  }) as (token: string) => unknown
  const app = fastify()
  app.get('/verify', (request, reply) => {
    try {
      verify(request.headers.authorization?.replace(/^Bearer /, '') ?? '')
      return reply.code(204).send()
    } catch {
      return reply.code(401).send()
    }
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(address).port) }
}

process.on('message', (job: VerifierJob) => {
  serve(job)
    .then((ready) => process.send?.(ready))
    .catch((error: unknown) => {
      throw error
    })
})
process.on('disconnect', () => {
  process.exit()
})
