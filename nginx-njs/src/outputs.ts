import type { Decision } from './decision.ts'
import type { GateRequest } from './request.ts'

/**
 * Sets the variables that tell of the decision. A refused request gets empty ones: an earlier
 * location may have let it pass, and its `error_page` may lead to an upstream.
 */
export function setOutputs(r: Pick<GateRequest, 'variables'>, decision: Decision): void {
  const v = r.variables
  if (typeof decision === 'string') {
    v.drawbridge_status = decision
    v.drawbridge_sub = ''
    v.drawbridge_sid = ''
    v.drawbridge_client_id = ''
    v.drawbridge_scope = ''
    v.drawbridge_roles = ''
    return
  }
  v.drawbridge_status = 'valid'
  v.drawbridge_sub = decision.sub
  v.drawbridge_sid = decision.sid
  v.drawbridge_client_id = decision.client_id
  v.drawbridge_scope = decision.scope
  v.drawbridge_roles = decision.roles.join(' ')
}
