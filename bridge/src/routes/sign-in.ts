import type { FastifyRequest } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { Identity, IdentityProvider } from '../odoo/port.ts'
import type { Device } from '../tokens/sessions.ts'

/** Where a request comes from, as the gate tells. */
export const deviceOf = (request: FastifyRequest): Device => ({
  userAgent: request.headers['user-agent'] ?? '',
  address: request.ip,
})

/**
 * Asks Odoo who somebody is.
 * @throws BridgeError invalid_credentials, mfa_required
 * @throws OdooUnavailable
 */
export async function signIn(
  odoo: IdentityProvider,
  request: FastifyRequest,
  { login, password }: { login: string; password: string },
): Promise<Identity> {
  const { userAgent, address } = deviceOf(request)
  const result = await odoo.signIn({ login, password, clientAddress: address, userAgent })
  if (result.outcome === 'identity') return result.identity
  throw new BridgeError(result.outcome === 'denied' ? 'invalid_credentials' : 'mfa_required')
}
