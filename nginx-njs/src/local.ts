import { check, validity } from './checks.ts'
import { countFound } from './counts.ts'
import type { Decision } from './decision.ts'
import { sha256 } from './digest.ts'
import { sync } from './feed.ts'
import type { PublishedKey } from './jwks.ts'
import { findKey, keySet, publishes } from './key-sets.ts'
import { forget, recall, remember } from './memo.ts'
import { generation, keepPass } from './passes.ts'
import type { RefusalReason } from './refusals.ts'
import { isListed, syncedAt } from './revocations.ts'
import { type Issuer, type Settings, issuerOf } from './settings.ts'
import { isSignedBy } from './signature.ts'
import { type Unverified, readToken } from './unverified.ts'
import { type VerifiedToken, verifiedToken } from './verified-token.ts'

/** A location's question. */
interface Question {
  /** The header that the token came in; undefined if it was a cookie, which earns no pass. */
  authorization: string | undefined
  settings: Settings
  /** Of keys and revocations when the question was put: what is read later counts in the next. */
  generation: number
}

/** Remembers what would be answered again, until something may have changed. Milliseconds. */
function keep(token: VerifiedToken, question: Question, freshUntil: number): void {
  const authorization = question.authorization
  const settings = question.settings
  // A pass says nothing to those who watch open connections.
  if (authorization === undefined || settings.watch !== 0) return
  const valid = validity(token, settings)
  keepPass({
    exchange: settings.exchange,
    authorization,
    token,
    generation: question.generation,
    from: valid.from * 1000,
    until: Math.min(valid.until * 1000, freshUntil),
  })
}

/**
 * Whether a token may pass a location, its signature being valid.
 * @param keysUntil how long the key set may serve, milliseconds since 1970
 * @returns `not_synced` where only reading the list of revocations can tell
 */
function judge(
  token: VerifiedToken,
  issuer: Issuer,
  question: Question,
  keysUntil: number,
): Decision | 'not_synced' {
  const settings = question.settings
  const now = Date.now()
  const reason = check(token, settings, now / 1000)
  if (reason !== undefined) return reason
  const list = issuer.revocations
  let freshUntil = keysUntil
  if (list !== '') {
    // What is listed is refused, whether the list is complete or not.
    if (isListed(token, list)) return 'revoked'
    if (settings.staleRevocations === 'closed') {
      const at = syncedAt(list)
      if (at === undefined) return 'not_synced'
      const listUntil = at + settings.revocationsMaxStale * 1000
      if (now > listUntil) return 'revocations_unavailable'
      freshUntil = Math.min(keysUntil, listUntil)
    }
  }
  keep(token, question, freshUntil)
  return token
}

/** The same for a gate that just started: the request waits until the revocations are there. */
async function judgeSynced(
  token: VerifiedToken,
  issuer: Issuer,
  question: Question,
  keysUntil: number,
): Promise<Decision> {
  await sync(issuer)
  const decision = judge(token, issuer, question, keysUntil)
  return decision === 'not_synced' ? 'revocations_unavailable' : decision
}

function decideVerified(
  token: VerifiedToken,
  issuer: Issuer,
  question: Question,
): Decision | Promise<Decision> | undefined {
  const settings = question.settings
  const set = keySet(issuer.jwks, settings.keysMaxStale, Date.now())
  // A withdrawn key withdraws what it signed, seen or not.
  if (set === undefined || !publishes(set, token.profile.key)) return undefined
  const keysUntil = set.fetchedAt + settings.keysMaxStale * 1000
  const decision = judge(token, issuer, question, keysUntil)
  return decision === 'not_synced' ? judgeSynced(token, issuer, question, keysUntil) : decision
}

// No `async` on the way of every first-seen token: each costs microseconds.
function decideBy(
  key: PublishedKey | RefusalReason,
  unverified: Unverified,
  digest: string,
  question: Question,
): Decision | Promise<Decision> {
  if (typeof key === 'string') return key
  // The key decides how the signature is verified; a token that names another way is refused.
  if (unverified.alg !== key.alg) return 'bad_signature'
  return isSignedBy(key, unverified.jws).then((signed) => {
    if (!signed) return 'bad_signature'
    countFound('verified')
    const token = verifiedToken(key.id, unverified.claims)
    remember(digest, token)
    // Withdrawn since it was looked up, or too old by now.
    return decideVerified(token, unverified.issuer, question) ?? 'keys_unavailable'
  })
}

function decideUnseen(
  token: string,
  digest: string,
  question: Question,
): Decision | Promise<Decision> {
  const settings = question.settings
  const unverified = readToken(token, settings)
  if (typeof unverified === 'string') return unverified
  const key = findKey(unverified.issuer.jwks, unverified.kid, settings.keysMaxStale)
  if (!(key instanceof Promise)) return decideBy(key, unverified, digest, question)
  return key.then((fetched) => decideBy(fetched, unverified, digest, question))
}

/** Decides on a token that was verified before; undefined if that does not count any more. */
function decideSeen(
  token: VerifiedToken,
  question: Question,
): Decision | Promise<Decision> | undefined {
  const issuer = issuerOf(token.profile.iss, question.settings)
  return issuer === undefined ? 'wrong_issuer' : decideVerified(token, issuer, question)
}

/**
 * Decides by the issuer's published keys and revocations, without asking anyone.
 * @param authorization the header that the token came in; undefined for a cookie
 * @returns at once for a token that was verified before; access.ts asks for a pass even before that
 */
export function decideLocally(
  token: string,
  authorization: string | undefined,
  settings: Settings,
): Decision | Promise<Decision> {
  // Read before anything else is: whatever changes from here on ends the pass.
  const question = { authorization, settings, generation: generation() }
  const digest = sha256(token)
  const seen = recall(digest)
  if (seen !== undefined) {
    const decision = decideSeen(seen, question)
    if (decision !== undefined) {
      countFound('memo')
      return decision
    }
    forget(digest)
  }
  return decideUnseen(token, digest, question)
}
