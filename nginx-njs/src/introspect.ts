import type { ValidateRequest } from '@drawbridge/bridge/contract'
import { check } from './checks.ts'
import { readClaims } from './claims.ts'
import type { Decision } from './decision.ts'
import { readHeader } from './header.ts'
import { type JsonObject, jsonObject } from './json.ts'
import { parseJws } from './jws.ts'
import type { Settings } from './settings.ts'

async function ask(
  question: ValidateRequest,
  settings: Settings,
  credential: string,
): Promise<JsonObject> {
  const response = await ngx.fetch(settings.validateUrl, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${credential}`,
      'Content-Type': 'application/json',
      Accept: 'application/json',
    },
    body: JSON.stringify(question),
  })
  if (response.status !== 200) throw new Error(`it answered ${response.status}`)
  const text = await response.text()
  const answer = jsonObject(text)
  if (answer === undefined) throw new Error('its answer is not a JSON object')
  return answer
}

/**
 * Decides by asking the bridge, each time. The location's own checks come on top of its answer.
 * @param credential the gate credential
 */
export async function decideByAsking(
  token: string,
  settings: Settings,
  credential: string,
): Promise<Decision> {
  const jws = parseJws(token)
  if (jws === undefined) return 'malformed'
  const header = readHeader(jws.header)
  if (typeof header === 'string') return header
  try {
    const answer = await ask({ token, audience: settings.audience }, settings, credential)
    switch (answer.status) {
      case 'Valid': {
        const claims = jsonObject(JSON.stringify(answer.claims))
        const read = claims === undefined ? undefined : readClaims(claims)
        if (read === undefined) throw new Error('it answered Valid without usable claims')
        return check(read, settings, Date.now() / 1000) ?? read
      }
      case 'Expired':
        return 'expired'
      case 'Invalid':
        return 'refused_by_bridge'
      default:
        throw new Error('it answered neither Valid, Invalid nor Expired')
    }
  } catch (error) {
    const problem = (error as Error).message
    ngx.log(ngx.ERR, `drawbridge: no verdict from ${settings.validateUrl}: ${problem}`)
    return 'bridge_unavailable'
  }
}
