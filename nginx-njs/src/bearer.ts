const SCHEME = /^bearer(?: |$)/i
const BEARER = /^bearer +([\w.~+/-]+=*)$/i

// More than any token of a bridge needs; nginx's own limit of a header line is 8k by default.
const LONGEST = 16384

/**
 * The token of an `Authorization` header.
 * @returns the token, `no_token` when there is none of this scheme, `malformed` when it is broken
 * @see RFC 6750 §2.1
 */
export function bearerToken(
  authorization: string | undefined,
): { token: string } | 'no_token' | 'malformed' {
  if (authorization === undefined || !SCHEME.test(authorization)) return 'no_token'
  const match = BEARER.exec(authorization)
  if (match === null || authorization.length > LONGEST) return 'malformed'
  return { token: match[1] as string }
}
