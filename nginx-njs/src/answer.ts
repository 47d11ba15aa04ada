import { type Protection, challenge } from './challenge.ts'
import { REFUSALS, type RefusalReason, isRefusal } from './refusals.ts'
import type { GateRequest } from './request.ts'
import { signInFor } from './sign-in.ts'

// Seconds. A gate asks again two seconds after a failure.
const RETRY_AFTER = '2'

function send(
  r: GateRequest,
  reason: RefusalReason,
  header: string | undefined,
  body: boolean,
): void {
  const refusal = REFUSALS[reason]
  if (header !== undefined) r.headersOut['WWW-Authenticate'] = header
  if (refusal.status === 503) r.headersOut['Retry-After'] = RETRY_AFTER
  r.headersOut['Cache-Control'] = 'no-store'
  if (!body) {
    r.return(refusal.status, '')
    return
  }
  r.headersOut['Content-Type'] = 'application/json'
  const text = { error: refusal.error, error_description: refusal.error_description }
  r.return(refusal.status, JSON.stringify(text))
}

/** The snippets turn `absolute_redirect` off: behind a TLS proxy nginx knows neither scheme nor port. */
function redirect(r: GateRequest, address: string): void {
  r.headersOut['Cache-Control'] = 'no-store'
  r.headersOut.Vary = 'Sec-Fetch-Mode, Sec-Fetch-Dest'
  r.return(303, address)
}

/** Ends a refused request. */
export function sendRefusal(r: GateRequest, reason: RefusalReason, protection: Protection): void {
  const address = signInFor(r, reason, protection.signIn)
  if (address !== '') redirect(r, address)
  else send(r, reason, challenge(REFUSALS[reason], protection), protection.refusalBody)
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
  const address = r.variables.drawbridge_sign_in ?? ''
  if (address !== '') {
    redirect(r, address)
    return
  }
  const header = r.variables.drawbridge_challenge ?? ''
  const body = r.variables.drawbridge_refusal_body !== 'off'
  send(r, status, header === '' ? undefined : header, body)
}
