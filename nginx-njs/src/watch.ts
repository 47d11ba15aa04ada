/** Connections that outlive the decision on them: what is asked of their token again. */
import { validity } from './checks.ts'
import type { Policy } from './decide.ts'
import { keySet, publishes } from './key-sets.ts'
import type { GateRequest } from './request.ts'
import { isListed, syncedAt } from './revocations.ts'
import { type Issuer, type Settings, issuerOf } from './settings.ts'
import type { VerifiedToken } from './verified-token.ts'

/** What a decision leaves behind for as long as its connection is open. */
export interface Watch {
  token: Pick<VerifiedToken, 'sid' | 'sub' | 'iat'>
  /** `id` of the key that signed it; '' where the bridge was asked instead. */
  key: string
  issuer: Pick<Issuer, 'jwks' | 'revocations'>
  settings: Pick<Settings, 'keysMaxStale' | 'revocationsMaxStale' | 'staleRevocations'>
  /** When the token is over; milliseconds since 1970, leeway included. */
  until: number
  /** Milliseconds from one look to the next. */
  every: number
  /** When the list of revocations was last seen complete; milliseconds since 1970. */
  syncedAt: number
}

/** Leaves word of a token that may pass; '' where the location does not watch. */
export function noteWatch(v: GateRequest['variables'], token: VerifiedToken, policy: Policy): void {
  if (typeof policy === 'string' || 'problem' in policy) return
  const issuer = issuerOf(token.profile.iss, policy)
  if (policy.watch === 0 || issuer === undefined) {
    // A location before this one may have left its own word.
    v.drawbridge_watch = ''
    return
  }
  const watch: Watch = {
    token: { sid: token.sid, sub: token.sub, iat: token.iat },
    key: token.profile.key,
    issuer: { jwks: issuer.jwks, revocations: issuer.revocations },
    settings: {
      keysMaxStale: policy.keysMaxStale,
      revocationsMaxStale: policy.revocationsMaxStale,
      // Where the bridge is asked, nobody minds how old the list is; who is on it is out anyway.
      staleRevocations: policy.mode === 'local' ? policy.staleRevocations : 'open',
    },
    until: validity(token, policy).until * 1000,
    every: policy.watch * 1000,
    syncedAt: Date.now(),
  }
  v.drawbridge_watch = JSON.stringify(watch)
}

/** Reads what {@link noteWatch} left; undefined for nothing. */
export function readWatch(v: GateRequest['variables']): Watch | undefined {
  const text = v.drawbridge_watch ?? ''
  return text === '' ? undefined : (JSON.parse(text) as Watch)
}

/**
 * Whether nobody can say any more who was put out. While a whole list is being read, page by page, a
 * new request waits for the end of it; what is open already goes by when it was last complete.
 * @param now milliseconds
 */
function isStale(watch: Watch, now: number): boolean {
  const settings = watch.settings
  if (settings.staleRevocations === 'open') return false
  watch.syncedAt = syncedAt(watch.issuer.revocations) ?? watch.syncedAt
  return now - watch.syncedAt > settings.revocationsMaxStale * 1000
}

function isPublished(watch: Watch, now: number): boolean {
  // Where the bridge is asked, it is the bridge that knows the keys.
  if (watch.key === '') return true
  const set = keySet(watch.issuer.jwks, watch.settings.keysMaxStale, now)
  return set !== undefined && publishes(set, watch.key)
}

/**
 * Whether a connection has to end, because its token would not be let pass again.
 * @returns why, as a line for the error log; undefined while it may stay
 */
export function over(watch: Watch): string | undefined {
  const now = Date.now()
  const list = watch.issuer.revocations
  if (now >= watch.until) return 'drawbridge: the token of an open connection expired'
  if (!isPublished(watch, now)) {
    return "drawbridge: the key of an open connection's token is not published any more"
  }
  if (list === '') return undefined
  if (isListed(watch.token, list)) return 'drawbridge: the token of an open connection was revoked'
  return isStale(watch, now)
    ? 'drawbridge: the list of revocations is too old for an open connection'
    : undefined
}
