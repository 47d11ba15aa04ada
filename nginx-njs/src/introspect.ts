import type { ValidateRequest } from '@drawbridge/bridge/contract'
import { check } from './checks.ts'
import { readClaims } from './claims.ts'
import { countFailure } from './counts.ts'
import type { Decision } from './decision.ts'
import { sha256 } from './digest.ts'
import { type JsonObject, jsonObject } from './json.ts'
import type { Issuer, Settings } from './settings.ts'
import { readToken } from './unverified.ts'
import { readVerifiedToken, verifiedToken, writeVerifiedToken } from './verified-token.ts'
import { textZone } from './zones.ts'

async function ask(question: ValidateRequest, issuer: Issuer): Promise<JsonObject> {
  const response = await ngx.fetch(issuer.validate, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${issuer.credential}`,
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

/** What an answer is kept as: one of two words, or a verified token, which begins with a number. */
function verdictOf(answer: JsonObject): string {
  switch (answer.status) {
    case 'Valid': {
      const claims = jsonObject(JSON.stringify(answer.claims ?? null))
      const read = claims === undefined ? undefined : readClaims(claims)
      if (read === undefined) throw new Error('it answered Valid without usable claims')
      return writeVerifiedToken(verifiedToken('', read))
    }
    case 'Expired':
      return 'expired'
    case 'Invalid':
      return 'refused_by_bridge'
    default:
      throw new Error('it answered neither Valid, Invalid nor Expired')
  }
}

/** The location's own checks come on top of the bridge's verdict, each time. */
function decideOnVerdict(verdict: string, issuer: Issuer, settings: Settings): Decision {
  if (verdict === 'expired' || verdict === 'refused_by_bridge') return verdict
  const token = readVerifiedToken(verdict)
  if (token.profile.iss !== issuer.issuer) return 'wrong_issuer'
  return check(token, settings, Date.now() / 1000) ?? token
}

// Who was asked what, and for how long the answer may serve: a location must not get one that is
// older than it allows.
const nameOf = (question: ValidateRequest, issuer: Issuer, settings: Settings): string =>
  sha256([issuer.validate, question.audience, question.token, settings.introspectCache].join('\n'))

function keepAnswer(
  question: ValidateRequest,
  issuer: Issuer,
  settings: Settings,
  verdict: string,
): void {
  const answers = textZone('drawbridge_answers')
  const name = nameOf(question, issuer, settings)
  try {
    // Not `set`, for the reason that memo.ts gives. What is there has ended.
    answers.delete(name)
    answers.add(name, verdict, settings.introspectCache * 1000)
  } catch (error) {
    // The next request asks again: slower, and as safe.
    ngx.log(ngx.WARN, `drawbridge: no room for an answer: ${(error as Error).message}`)
  }
}

async function askAndDecide(
  question: ValidateRequest,
  issuer: Issuer,
  settings: Settings,
): Promise<Decision> {
  try {
    const answer = await ask(question, issuer)
    const verdict = verdictOf(answer)
    if (settings.introspectCache > 0) keepAnswer(question, issuer, settings, verdict)
    return decideOnVerdict(verdict, issuer, settings)
  } catch (error) {
    countFailure('verdict')
    const problem = (error as Error).message
    ngx.log(ngx.ERR, `drawbridge: no verdict from ${issuer.validate}: ${problem}`)
    return 'bridge_unavailable'
  }
}

/**
 * Decides by asking the bridge: each time, or as long as the location lets an answer serve.
 * @returns at once where an answer is at hand
 */
export function decideByAsking(token: string, settings: Settings): Decision | Promise<Decision> {
  const unverified = readToken(token, settings)
  if (typeof unverified === 'string') return unverified
  const issuer = unverified.issuer
  const audience = settings.audience.find((wanted) => unverified.claims.aud.includes(wanted))
  if (audience === undefined) return 'wrong_audience'

  const question = { token, audience }
  if (settings.introspectCache > 0) {
    const verdict = textZone('drawbridge_answers').get(nameOf(question, issuer, settings))
    if (verdict !== undefined) return decideOnVerdict(verdict, issuer, settings)
  }
  return askAndDecide(question, issuer, settings)
}
