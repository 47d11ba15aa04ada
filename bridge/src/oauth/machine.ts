import type { FastifyBaseLogger } from 'fastify'
import { BridgeError } from '../errors.ts'
import type { PairedOdoo } from '../odoo/port.ts'
import { mayUse, type Client } from '../tokens/clients.ts'
import type { MachineTokens } from '../tokens/issued-tokens.ts'
import type { Device } from '../tokens/session-starts.ts'
import type { Sessions } from '../tokens/sessions.ts'

export interface MachineRequest {
  scope: string | undefined
  resource: string | undefined
}

/** Gives a client that has proven who it is tokens of the Odoo user that it is registered for. */
export type MachineGrant = (
  client: Client,
  request: MachineRequest,
  device: Device,
  log: FastifyBaseLogger,
) => Promise<MachineTokens>

/**
 * @param lookup finds that user in Odoo; undefined where Odoo cannot be asked, having no addon
 * @returns throws BridgeError unauthorized_client if there is no such user any more, or they may
 * not use the client; invalid_scope, invalid_target; throws OdooUnavailable
 * @see RFC 6749 §4.4
 */
export const createMachineGrant =
  (sessions: Sessions, lookup: PairedOdoo['lookup'] | undefined): MachineGrant =>
  async (client, request, device, log) => {
    const { odoo_login: login } = client
    const refuse = (description: string) => new BridgeError('unauthorized_client', { description })
    if (lookup === undefined || login === undefined) throw refuse('no machine client')
    const scope = request.scope === undefined ? client.scope : request.scope.split(' ')
    if (!scope.every((word) => client.scope.includes(word))) throw new BridgeError('invalid_scope')
    const resource = request.resource ?? client.resources[0] ?? ''
    if (!client.resources.includes(resource)) throw new BridgeError('invalid_target')
    const user = await lookup({ login })
    if (!user) throw refuse(`${login} may not sign in to Odoo`)
    const { identity } = user
    if (!mayUse(client, identity.groups)) throw refuse(`${login} is in none of its groups`)
    const grant = { client, scope: [...new Set(scope)], audience: [resource] }
    return sessions.startMachine(identity, grant, device, log)
  }
