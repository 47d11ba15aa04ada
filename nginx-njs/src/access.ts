import { sendRefusal } from './answer.ts'
import { protectionOf } from './challenge.ts'
import { countDecision, countPass } from './counts.ts'
import { type Policy, decide, takePolicy } from './decide.ts'
import type { Decision } from './decision.ts'
import { setVerdict } from './outputs.ts'
import { findPass } from './passes.ts'
import type { GateRequest } from './request.ts'
import { noteWatch } from './watch.ts'

function finish(r: GateRequest, decision: Decision, policy: Policy): void {
  setVerdict(r.variables, decision)
  countDecision(decision)
  if (typeof decision === 'string') sendRefusal(r, decision, protectionOf(policy))
  else noteWatch(r.variables, decision, policy)
}

/**
 * `js_access`: lets a request with a valid access token pass and answers every other one.
 * An error thrown in here ends the request with 500.
 */
export function access(r: GateRequest): void | Promise<void> {
  const v = r.variables
  const now = Date.now()
  const passed = findPass(v.drawbridge_exchange, v.http_authorization, now)
  if (passed !== undefined) {
    setVerdict(v, passed)
    countPass(now)
    return
  }
  const policy = takePolicy(v)
  const decision = decide(r, policy)
  if (decision instanceof Promise) {
    return decision.then((later) => {
      finish(r, later, policy)
    })
  }
  finish(r, decision, policy)
}
