import { sendRefusal } from './answer.ts'
import { type Protection, challenge } from './challenge.ts'
import { decide } from './decide.ts'
import type { Decision } from './decision.ts'
import { setOutputs } from './outputs.ts'
import { REFUSALS } from './refusals.ts'
import type { GateRequest } from './request.ts'

function finish(r: GateRequest, decision: Decision, protection: Protection): void {
  setOutputs(r, decision)
  if (typeof decision !== 'string') return
  const refusal = REFUSALS[decision]
  sendRefusal(r, refusal, challenge(refusal, protection))
}

/**
 * `js_access`: lets a request with a valid access token pass and answers every other one.
 * An error thrown in here ends the request with 500.
 */
export function access(r: GateRequest): void | Promise<void> {
  const outcome = decide(r)
  if (outcome.decision instanceof Promise) {
    return outcome.decision.then((decision) => {
      finish(r, decision, outcome.protection)
    })
  }
  finish(r, outcome.decision, outcome.protection)
}
