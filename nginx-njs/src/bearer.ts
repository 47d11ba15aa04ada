const SCHEME = 'bearer'
// As nearly everybody writes it.
const USUAL = 'Bearer '

// More than any token of a bridge needs; nginx's own limit of a header line is 8k by default.
const LONGEST = 16384

/**
 * The token of an `Authorization` header. What stands there is not looked at: only a token that is
 * spelt right in every character is ever verified.
 * @returns the token, `no_token` when there is none of this scheme, `malformed` when it is broken
 * @see RFC 6750 §2.1
 */
export function bearerToken(
  authorization: string | undefined,
): { token: string } | 'no_token' | 'malformed' {
  if (authorization === undefined) return 'no_token'
  let start = SCHEME.length
  if (!authorization.startsWith(USUAL)) {
    if (authorization.slice(0, start).toLowerCase() !== SCHEME) return 'no_token'
    if (authorization.length > start && authorization[start] !== ' ') return 'no_token'
  }
  while (authorization[start] === ' ') start++
  const token = authorization.slice(start)
  return token === '' || authorization.length > LONGEST ? 'malformed' : { token }
}
