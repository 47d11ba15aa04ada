import type { GateClaims } from './claims.ts'

/** What many tokens have in common: those of one client and one group of users. */
export interface Profile {
  iss: string
  scopes: string[]
  roles: string[]
  /** `id` of the key that signed; '' where the bridge was asked instead. */
  key: string
  aud: string[]
}

/**
 * A token whose signature was valid, and what it claims. Nothing that a location decided: a weak
 * location's verdict must not serve a strict one. Times are seconds since 1970.
 */
export interface VerifiedToken {
  exp: number
  iat: number
  /** 0 where the token has none. */
  nbf: number
  sub: string
  sid: string
  profile: Profile
  /** What nginx is told of it: see outputs.ts. */
  verdict: string
}

// Where the engine keeps a context, a profile is read once. Bounded: a user may have any roles.
const MOST_KEPT = 256
type Kept = Partial<Record<string, Profile>>
let kept: Kept = Object.create(null) as Kept
let keptCount = 0

function readProfile(text: string): Profile {
  const known = kept[text]
  if (known !== undefined) return known
  if (keptCount >= MOST_KEPT) {
    kept = Object.create(null) as Kept
    keptCount = 0
  }
  const lines = text.split('\n')
  const roles = lines[3] as string
  const profile: Profile = {
    iss: lines[0] as string,
    scopes: (lines[2] as string).split(' '),
    roles: roles === '' ? [] : roles.split(' '),
    key: lines[4] as string,
    aud: JSON.parse(lines[5] as string) as string[],
  }
  kept[text] = profile
  keptCount++
  return profile
}

/**
 * What a token claims that `key` signed.
 * @param key its `id`; '' where the bridge was asked instead
 */
export function verifiedToken(key: string, claims: GateClaims): VerifiedToken {
  const profile = [
    claims.iss,
    claims.client_id,
    claims.scope,
    claims.roles.join(' '),
    key,
    JSON.stringify(claims.aud),
  ].join('\n')
  return {
    exp: claims.exp,
    iat: claims.iat,
    nbf: claims.nbf ?? 0,
    sub: claims.sub,
    sid: claims.sid,
    profile: readProfile(profile),
    verdict: `valid\n${claims.sub}\n${claims.sid}\n${profile}`,
  }
}

/**
 * The text of a verified token, for a shared dict. Lines, because they are taken apart faster than
 * JSON, in an order that lets most of them be used as they are: times, then the verdict, which ends
 * with the profile. No claim can hold a line break: claims.ts.
 */
export const writeVerifiedToken = (token: VerifiedToken): string =>
  `${token.exp}\n${token.iat}\n${token.nbf}\n${token.verdict}`

/** Reads what {@link writeVerifiedToken} wrote. */
export function readVerifiedToken(text: string): VerifiedToken {
  const exp = text.indexOf('\n')
  const iat = text.indexOf('\n', exp + 1)
  const nbf = text.indexOf('\n', iat + 1)
  const valid = text.indexOf('\n', nbf + 1)
  const sub = text.indexOf('\n', valid + 1)
  const sid = text.indexOf('\n', sub + 1)
  return {
    exp: Number(text.slice(0, exp)),
    iat: Number(text.slice(exp + 1, iat)),
    nbf: Number(text.slice(iat + 1, nbf)),
    sub: text.slice(valid + 1, sub),
    sid: text.slice(sub + 1, sid),
    profile: readProfile(text.slice(sid + 1)),
    verdict: text.slice(nbf + 1),
  }
}
