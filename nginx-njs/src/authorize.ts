import { challenge, protectionOf } from './challenge.ts'
import { countDecision } from './counts.ts'
import { decide, takePolicy } from './decide.ts'
import { setVerdict } from './outputs.ts'
import { REFUSALS } from './refusals.ts'
import type { GateRequest } from './request.ts'
import { signInFor } from './sign-in.ts'
import { noteWatch } from './watch.ts'

/**
 * `js_content` of the location that `auth_request` asks: 204 lets the request pass, 401 leads it
 * to `answer`, which sends what the decision was. The two share their variables with the request.
 * An error thrown in here ends the request with 500.
 */
export async function authorize(r: GateRequest): Promise<void> {
  const policy = takePolicy(r.variables)
  const decision = await decide(r, policy)
  setVerdict(r.variables, decision)
  countDecision(decision)
  if (typeof decision !== 'string') {
    noteWatch(r.variables, decision, policy)
    r.return(204)
    return
  }
  const protection = protectionOf(policy)
  r.variables.drawbridge_challenge = challenge(REFUSALS[decision], protection) ?? ''
  r.variables.drawbridge_refusal_body = protection.refusalBody ? 'json' : 'off'
  r.variables.drawbridge_sign_in = signInFor(r, decision, protection.signIn)
  r.return(401)
}
