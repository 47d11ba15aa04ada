import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { OdooRefused, OdooSessionEnded, type OdooClient } from '../odoo/port.ts'
import type { Gate } from '../plugins/gate.ts'
import type { Sessions } from '../tokens/sessions.ts'

/** Odoo's names for what a person did that Odoo does not let them do. */
const REFUSALS: Record<string, ErrorCode> = {
  'odoo.exceptions.AccessError': 'odoo_forbidden',
  'odoo.exceptions.MissingError': 'not_found',
  'odoo.exceptions.UserError': 'odoo_refused',
  'odoo.exceptions.ValidationError': 'odoo_refused',
}

function toBridgeError(error: OdooRefused): BridgeError | OdooRefused {
  const code = REFUSALS[error.odooError]
  if (code === undefined) return error
  // What Odoo says to this user on its own pages, too. Of a missing record it says nothing new.
  const odooMessage = code === 'not_found' ? {} : { odooMessage: error.message }
  // The log gets Odoo's name for it: its sentence may hold the data of others.
  return new BridgeError(code, { description: error.odooError, ...odooMessage })
}

/** Does something at Odoo for whom the gate let in, with that user's own rights. */
export type AsOdooUser = <Result>(
  request: FastifyRequest,
  reply: FastifyReply,
  scope: string,
  work: (odoo: OdooClient, uid: number) => Promise<Result>,
) => Promise<Result>

/**
 * @returns what routes behind the gate are made with. It throws BridgeError `insufficient_scope`,
 * `session_ended`, `odoo_forbidden`, `odoo_refused` or `not_found`, and what `asUser` throws.
 */
export function createAsOdooUser(options: { gate: Gate; sessions: Sessions }): AsOdooUser {
  const { gate, sessions } = options
  return async (request, reply, scope, work) => {
    const identity = gate.identify(request)
    if (!identity.scope.includes(scope)) throw new BridgeError('insufficient_scope')
    reply.header('cache-control', 'no-store')
    const { uid, odoo } = await sessions.asUser(identity.sid)
    try {
      return await work(odoo, uid)
    } catch (error) {
      if (error instanceof OdooSessionEnded) await sessions.endForgotten(identity.sid, request.log)
      throw error instanceof OdooRefused ? toBridgeError(error) : error
    }
  }
}
