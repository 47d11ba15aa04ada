import { challenge } from './challenge.ts'
import { decide } from './decide.ts'
import { setOutputs } from './outputs.ts'
import { REFUSALS } from './refusals.ts'
import type { GateRequest } from './request.ts'

/**
 * `js_content` of the location that `auth_request` asks: 204 lets the request pass, 401 leads it
 * to `answer`, which sends what the decision was. The two share their variables with the request.
 * An error thrown in here ends the request with 500.
 */
export async function authorize(r: GateRequest): Promise<void> {
  const outcome = decide(r)
  const decision = await outcome.decision
  setOutputs(r, decision)
  if (typeof decision !== 'string') {
    r.return(204)
    return
  }
  const header = challenge(REFUSALS[decision], outcome.protection)
  r.variables.drawbridge_challenge = header ?? ''
  r.return(401)
}
