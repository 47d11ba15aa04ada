import type { Decision } from './decision.ts'
import type { GateRequest } from './request.ts'

/**
 * Tells nginx of the decision: by one variable, from which `conf/http.conf` takes `$drawbridge_sub`
 * and the like apart only where they are used. A refusal is one line. Of a token that passed, the
 * lines are: `valid`, `sub`, `sid`, `iss`, `client_id`, scope, roles, and two that nobody reads.
 *
 * It takes the place of the location's settings, so that those serve once: the next location must
 * bring its own, even when a `rewrite … break` of it skips the snippet that would set them.
 */
export function setVerdict(v: GateRequest['variables'], decision: Decision): void {
  v.drawbridge_exchange = typeof decision === 'string' ? decision : decision.verdict
}
