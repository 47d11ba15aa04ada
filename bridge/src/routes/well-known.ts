import type { FastifyPluginCallback } from 'fastify'
import { PATHS } from '../contract/index.ts'
import type { Signer } from '../keys/port.ts'
import { authorizationServerMetadata, protectedResourceMetadata } from '../oauth/metadata.ts'

export interface WellKnownRoutesOptions {
  issuer: string
  signer: Signer
  /** Seconds. */
  jwksMaxAge: number
}

/** What anybody may know. @see RFC 8414, RFC 7517, RFC 9728 */
export const wellKnownRoutes: FastifyPluginCallback<WellKnownRoutesOptions> = (
  app,
  { issuer, signer, jwksMaxAge },
  done,
) => {
  app.addHook('onSend', (_request, reply, payload, next) => {
    if (reply.statusCode === 200) reply.header('cache-control', `public, max-age=${jwksMaxAge}`)
    next(null, payload)
  })

  app.get(PATHS.jwks, async () => ({ keys: await signer.publicJwks() }))
  app.get(PATHS.authorizationServerMetadata, () =>
    Promise.resolve(authorizationServerMetadata(issuer)),
  )
  app.get(PATHS.protectedResourceMetadata, () => Promise.resolve(protectedResourceMetadata(issuer)))

  done()
}
