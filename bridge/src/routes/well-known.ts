import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { TSchema } from 'typebox'
import { PATHS } from '../contract/index.ts'
import {
  authorizationServerMetadata,
  openidConfiguration,
  protectedResourceMetadata,
} from '../oauth/metadata.ts'
import type { ClientSigner } from '../tokens/client-signer.ts'
import { Jwks, Metadata } from './answers.ts'

export interface WellKnownRoutesOptions {
  issuer: string
  /** Whether `client_credentials` is offered. */
  machineClients: boolean
  clientSigner: Pick<ClientSigner, 'publicJwks'>
  /** Seconds. */
  jwksMaxAge: number
}

const describe = <Answer extends TSchema>(summary: string, answer: Answer) => ({
  schema: { tags: ['oauth'], summary, response: { 200: answer } },
})

/** What anybody may know. @see RFC 8414, RFC 7517, RFC 9728 */
export const wellKnownRoutes: FastifyPluginCallbackTypebox<WellKnownRoutesOptions> = (
  app,
  { issuer, machineClients, clientSigner, jwksMaxAge },
  done,
) => {
  app.addHook('onSend', (_request, reply, payload, next) => {
    if (reply.statusCode === 200) reply.header('cache-control', `public, max-age=${jwksMaxAge}`)
    next(null, payload)
  })

  app.get(PATHS.jwks, describe('The public keys (RFC 7517)', Jwks), async () => ({
    keys: await clientSigner.publicJwks(),
  }))
  app.get(
    PATHS.authorizationServerMetadata,
    describe('What the bridge offers (RFC 8414)', Metadata),
    () => Promise.resolve(authorizationServerMetadata(issuer, machineClients)),
  )
  app.get(
    PATHS.openidConfiguration,
    describe('The same, for OpenID Connect (Discovery 1.0)', Metadata),
    async () => {
      const algorithms = (await clientSigner.publicJwks()).map(({ alg }) => alg)
      return openidConfiguration(issuer, machineClients, [...new Set(algorithms)])
    },
  )
  app.get(
    PATHS.protectedResourceMetadata,
    describe('What the API asks for (RFC 9728)', Metadata),
    () => Promise.resolve(protectedResourceMetadata(issuer)),
  )

  done()
}
