import { check } from './checks.ts'
import { type GateClaims, readClaims } from './claims.ts'
import type { Decision } from './decision.ts'
import { readHeader } from './header.ts'
import type { PublishedKey } from './jwks.ts'
import { parseJws } from './jws.ts'
import { type KeySet, keySet, refetch } from './key-sets.ts'
import { recall, remember } from './memo.ts'
import type { RefusalReason } from './refusals.ts'
import type { Settings } from './settings.ts'
import { isSignedBy } from './signature.ts'

const publishedAs = (set: KeySet | undefined, kid: string): PublishedKey | undefined =>
  set === undefined ? undefined : set.keys.find((key) => key.kid === kid)

async function findKey(kid: string, settings: Settings): Promise<PublishedKey | RefusalReason> {
  const current = (): KeySet | undefined =>
    keySet(settings.jwksUrl, settings.keysMaxStale, Date.now())

  const known = publishedAs(current(), kid)
  if (known !== undefined) return known
  const upToDate = await refetch(settings.jwksUrl)
  const set = current()
  const found = publishedAs(set, kid)
  if (found !== undefined) return found
  return upToDate && set !== undefined ? 'unknown_key' : 'keys_unavailable'
}

async function verify(token: string, settings: Settings): Promise<GateClaims | RefusalReason> {
  const jws = parseJws(token)
  if (jws === undefined) return 'malformed'
  const header = readHeader(jws.header)
  if (typeof header === 'string') return header
  const claims = readClaims(jws.payload)
  if (claims === undefined) return 'malformed'
  const key = await findKey(header.kid, settings)
  if (typeof key === 'string') return key
  // The key decides how the signature is verified; a token that names another way is refused.
  if (header.alg !== key.alg) return 'bad_signature'
  if (!(await isSignedBy(key, jws))) return 'bad_signature'
  remember(token, { key: key.id, claims }, Date.now())
  return claims
}

const judge = (claims: GateClaims, settings: Settings): Decision =>
  check(claims, settings, Date.now() / 1000) ?? claims

async function decideUnseen(token: string, settings: Settings): Promise<Decision> {
  const verified = await verify(token, settings)
  return typeof verified === 'string' ? verified : judge(verified, settings)
}

/**
 * Decides by the issuer's published keys, without asking anyone.
 * @returns at once for a token that was verified before
 */
export function decideLocally(token: string, settings: Settings): Decision | Promise<Decision> {
  const seen = recall(token)
  if (seen !== undefined) {
    const set = keySet(settings.jwksUrl, settings.keysMaxStale, Date.now())
    // A withdrawn key withdraws what it signed, seen or not.
    const published = set !== undefined && set.keys.some((key) => key.id === seen.key)
    if (published) return judge(seen.claims, settings)
  }
  return decideUnseen(token, settings)
}
