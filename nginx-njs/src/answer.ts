import { type Refusal, REFUSALS, isRefusal } from './refusals.ts'
import type { GateRequest } from './request.ts'

// Seconds. A gate asks again two seconds after a failure.
const RETRY_AFTER = '2'

/**
 * Ends a refused request.
 * @param challenge value of `WWW-Authenticate`
 */
export function sendRefusal(r: GateRequest, refusal: Refusal, challenge: string | undefined): void {
  if (challenge !== undefined) r.headersOut['WWW-Authenticate'] = challenge
  if (refusal.status === 503) r.headersOut['Retry-After'] = RETRY_AFTER
  r.headersOut['Content-Type'] = 'application/json'
  r.headersOut['Cache-Control'] = 'no-store'
  const body = { error: refusal.error, error_description: refusal.error_description }
  r.return(refusal.status, JSON.stringify(body))
}

/**
 * `js_content` of the location that `auth_request` leads a refused request to: auth_request itself
 * can only say 401 and 403.
 */
export function answer(r: GateRequest): void {
  const status = r.variables.drawbridge_status
  if (!isRefusal(status)) {
    // Not the gate's refusal, but an upstream's 401 under proxy_intercept_errors.
    r.return(401)
    return
  }
  const challenge = r.variables.drawbridge_challenge
  sendRefusal(r, REFUSALS[status], challenge === '' ? undefined : challenge)
}
