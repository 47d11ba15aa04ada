import { bearerToken } from './bearer.ts'
import { tokenOfCookie } from './cookie.ts'
import type { Decision } from './decision.ts'
import { decideByAsking } from './introspect.ts'
import { decideLocally } from './local.ts'
import type { GateRequest } from './request.ts'
import { findSettings, settingsOf } from './known-settings.ts'
import { type Settings, type SettingsError, NO_SETTINGS } from './settings.ts'

/** What a location asks for, or why nobody may pass. */
export type Policy = Settings | SettingsError | 'identity_header'

// How the text of the protect snippet begins, if the request brings none of the headers that only
// the gate may set. What brings none of this is the verdict of a location before, or nothing.
const ASKED = '?\n'

/** Takes what the protect snippet made of the location and the request. */
export function takePolicy(v: GateRequest['variables']): Policy {
  const text = v.drawbridge_exchange ?? ''
  const known = findSettings(text)
  if (known !== undefined) return known
  if (text.startsWith(ASKED)) return settingsOf(text, text.slice(ASKED.length))
  return text.startsWith('?') ? 'identity_header' : NO_SETTINGS
}

/** Decides on a request by its location's settings. */
export function decide(r: GateRequest, policy: Policy): Decision | Promise<Decision> {
  if (policy === 'identity_header') return policy
  if ('problem' in policy) {
    r.error(`drawbridge: ${policy.problem}; the location is closed`)
    return 'misconfigured'
  }
  const v = r.variables
  // For cookie.ts: the upstream does not get it.
  if (policy.cookie !== '') v.drawbridge_token_cookie = policy.cookie
  const authorization = policy.cookie === '' ? v.http_authorization : undefined
  const found = policy.cookie === '' ? bearerToken(authorization) : tokenOfCookie(v, policy.cookie)
  if (typeof found === 'string') return found
  return policy.mode === 'local'
    ? decideLocally(found.token, authorization, policy)
    : decideByAsking(found.token, policy)
}
