import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { BridgeError } from '../errors.ts'
import type { ClientAuthentication } from '../oauth/client-authentication.ts'
import { readClientCredentials, type ClientParameters } from '../oauth/client-credentials.ts'
import { requireOriginOf } from '../plugins/cross-origin.ts'
import { createFailures } from '../plugins/failures.ts'
import { normalisedAddress } from '../plugins/limiter.ts'
import type { Client, Clients } from '../tokens/clients.ts'

/** A parameter of a form. No control characters: PostgreSQL takes no NUL. */
export const parameter = Type.Optional(
  Type.String({ minLength: 1, maxLength: 8192, pattern: '^[^\\p{Cc}\\p{Cs}]+$' }),
)

/** A token that a client shows: whatever it looks like, it is answered. */
export const presentedToken = Type.String({ minLength: 1, maxLength: 8192 })

/** By what a client shows who it is; the header `Authorization` does, too. */
export const clientParameters = {
  client_id: parameter,
  client_secret: parameter,
  client_assertion: parameter,
  client_assertion_type: parameter,
}

export interface ClientDoorOptions {
  clients: Clients
  authenticate: ClientAuthentication
}

/**
 * Lets in the client that a request is from, for every endpoint that clients call.
 * @returns resolves to the client; throws BridgeError invalid_client, invalid_request,
 * too_many_attempts, origin_refused
 */
export function createClientDoor({ clients, authenticate }: ClientDoorOptions) {
  const failures = createFailures()

  return async (
    request: FastifyRequest<{ Body: ClientParameters }>,
    reply: FastifyReply,
  ): Promise<Client> => {
    const { authorization } = request.headers
    let key = normalisedAddress(request.ip)
    try {
      const presented = readClientCredentials(authorization, request.body)
      // Per client that there is: whoever fails in one's name does not keep its neighbours out, and
      // whoever makes names up fills no memory.
      if (clients.get(presented.clientId)) key = `${key} ${presented.clientId}`
      await failures.check(key)
      const client = await authenticate(presented)
      requireOriginOf(client, request)
      return client
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'invalid_client') {
        // Whoever came by the header is told so, and how. @see RFC 6749 §5.2
        if (authorization !== undefined) {
          reply.header('www-authenticate', 'Basic realm="drawbridge", charset="UTF-8"')
        }
        await failures.add(key)
      }
      throw error
    }
  }
}

export type ClientDoor = ReturnType<typeof createClientDoor>
