/**
 * Where to go after sign-in: the path that was asked for, if it is one of this origin.
 * @param asked what the address said; anybody may have written it
 * @param origin of the app
 * @returns path, query and fragment; `/` for anything that would lead elsewhere
 */
export function returnPath(asked: string | null, origin: string): string {
  if (!asked?.startsWith('/') || !URL.canParse(asked, origin)) return '/'
  const url = new URL(asked, origin)
  // "/.//host" stays on the origin here, but its path alone reads as "//host".
  if (url.origin !== origin || url.pathname.startsWith('//')) return '/'
  return url.pathname + url.search + url.hash
}
