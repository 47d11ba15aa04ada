import { KeysUnavailable, type Keys, type PublicJwk, type Signer } from '../keys/port.ts'
import type { Clients } from './clients.ts'

/**
 * Signs what clients verify themselves: ID tokens and logout tokens. Each client gets the algorithm
 * that it is registered for. @see OpenID Connect Core 1.0 §3.1.3.7, Back-Channel Logout 1.0 §2.6
 */
export interface ClientSigner {
  /**
   * Tells before something is changed whether there could be a signature for this client.
   * @throws KeysUnavailable
   */
  ready(clientId: string): Promise<void>
  /**
   * @param typ goes into the header
   * @returns a compact JWS
   * @throws KeysUnavailable
   */
  sign(clientId: string, typ: string, payload: object): Promise<string>
  /**
   * All that the bridge publishes. While the key for ID tokens cannot be had it is left out: that
   * must be nobody's loss who does not use it.
   * @throws KeysUnavailable
   */
  publicJwks(): Promise<PublicJwk[]>
}

/** @param clients their `id_token_signed_response_alg`; who is not registered gets the main key */
export function createClientSigner(
  { signer, idTokenSigner }: Pick<Keys, 'signer' | 'idTokenSigner'>,
  clients: Pick<Clients, 'get'>,
): ClientSigner {
  const signerFor = async (clientId: string): Promise<Signer> => {
    const algorithm = clients.get(clientId)?.id_token_signed_response_alg
    if (algorithm === undefined) return signer
    const chosen = algorithm === 'RS256' && idTokenSigner ? idTokenSigner : signer
    const [jwk] = await chosen.publicJwks()
    // Only the key itself tells its algorithm, and that comes from Vault.
    if (jwk?.alg !== algorithm) {
      throw new KeysUnavailable(
        `The client ${clientId} is registered for ${algorithm}, which no key of this bridge signs.`,
      )
    }
    return chosen
  }

  const publicIdTokenJwks = async (): Promise<PublicJwk[]> => {
    try {
      return (await idTokenSigner?.publicJwks()) ?? []
    } catch (error) {
      // The log has it already.
      if (error instanceof KeysUnavailable) return []
      throw error
    }
  }

  return {
    ready: async (clientId) => (await signerFor(clientId)).ready(),
    sign: async (clientId, typ, payload) => (await signerFor(clientId)).sign(typ, payload),
    publicJwks: async () => [
      ...(await signer.publicJwks()),
      ...(await publicIdTokenJwks()).map((jwk) => ({
        ...jwk,
        drawbridge_signs: 'id_token' as const,
      })),
    ],
  }
}
