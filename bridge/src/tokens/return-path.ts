/**
 * Where to go after a sign-in: a path of this origin, whoever asked for it.
 * @param issuer the origin
 * @returns path, query and fragment; undefined for anything that would lead elsewhere
 */
export function returnPath(asked: unknown, issuer: string): string | undefined {
  if (asked === undefined) return '/'
  if (typeof asked !== 'string') return undefined
  if (!asked.startsWith('/') || !URL.canParse(asked, issuer)) return undefined
  const url = new URL(asked, issuer)
  // "/.//host" stays on the origin here, but its path alone reads as "//host".
  if (url.origin !== issuer || url.pathname.startsWith('//')) return undefined
  return url.pathname + url.search + url.hash
}
