import { createHash, timingSafeEqual } from 'node:crypto'
import { BridgeError } from '../errors.ts'
import type { SessionStore } from '../sessions/port.ts'
import type { Client, Clients } from '../tokens/clients.ts'
import { createClientAssertions } from './client-assertion.ts'
import type { PresentedClient } from './client-credentials.ts'

export interface ClientAuthenticationOptions {
  issuer: string
  tokenEndpoint: string
  clients: Clients
  store: Pick<SessionStore, 'takeAssertion'>
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Finds the client that a request names, and has it prove that it is.
 * @returns resolves to the client; throws BridgeError invalid_client
 * @see RFC 6749 §2.3, §3.2.1
 */
export function createClientAuthentication(options: ClientAuthenticationOptions) {
  const { clients, issuer, tokenEndpoint, store } = options
  const verifyAssertion = createClientAssertions(issuer, tokenEndpoint, store)

  return async ({ method, clientId, proof }: PresentedClient): Promise<Client> => {
    const client = clients.get(clientId)
    const refuse = (description: string) => new BridgeError('invalid_client', { description })
    if (!client) throw refuse('unknown client')
    const { client_id, token_endpoint_auth_method: registered } = client
    // Not by any way that would do: a client that signs must not be taken for one with a secret.
    if (method !== registered) {
      throw refuse(`${client_id} is registered for ${registered}, and came by ${method}`)
    }
    if (method === 'private_key_jwt') await verifyAssertion(client, proof)
    if (method === 'client_secret_basic' || method === 'client_secret_post') {
      const { client_secret_sha256: expected } = client
      if (!expected || !timingSafeEqual(sha256(proof), expected)) {
        throw refuse(`the secret of ${client_id} is wrong`)
      }
    }
    return client
  }
}

export type ClientAuthentication = ReturnType<typeof createClientAuthentication>
