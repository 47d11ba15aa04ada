import { bearerToken } from './bearer.ts'
import type { Protection } from './challenge.ts'
import type { Decision } from './decision.ts'
import { bringsIdentityHeader } from './identity-headers.ts'
import { decideByAsking } from './introspect.ts'
import { decideLocally } from './local.ts'
import type { GateRequest } from './request.ts'
import { type Settings, type SettingsError, settingsOf } from './settings.ts'

function takeSettings(r: GateRequest): Settings | SettingsError {
  const location = r.variables.drawbridge_location ?? ''
  // Taken once: the next location must bring settings of its own, even when a `rewrite … break`
  // of it skips the snippet that would set them.
  r.variables.drawbridge_location = ''
  return settingsOf(location)
}

/** What was decided, and the words for the challenge if it was a refusal. */
export interface Outcome {
  decision: Decision | Promise<Decision>
  protection: Protection
}

const NOWHERE: Protection = {
  realm: 'drawbridge',
  resourceMetadata: '',
  requiredScope: [],
}

/** Decides on a request by its location's settings. */
export function decide(r: GateRequest): Outcome {
  const settings = takeSettings(r)
  if ('problem' in settings) {
    r.error(`drawbridge: ${settings.problem}; the location is closed`)
    return { decision: 'misconfigured', protection: NOWHERE }
  }
  return { decision: decideWith(r, settings), protection: settings }
}

function decideWith(r: GateRequest, settings: Settings): Decision | Promise<Decision> {
  if (bringsIdentityHeader(r.rawHeadersIn)) return 'identity_header'
  const bearer = bearerToken(r.variables.http_authorization)
  if (typeof bearer === 'string') return bearer
  if (settings.mode === 'local') return decideLocally(bearer.token, settings)

  const credential = r.variables.drawbridge_gate_credential ?? ''
  if (credential === '') {
    r.error('drawbridge: $drawbridge_gate_credential is not set; the location is closed')
    return 'misconfigured'
  }
  return decideByAsking(bearer.token, settings, credential)
}
