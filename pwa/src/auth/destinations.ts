/**
 * The places that may see the access token.
 * @param urls absolute http(s) URLs; each stands for itself and all paths below it
 * @returns whether a URL is one of them
 * @throws {TypeError} if one of `urls` is not an absolute http(s) URL
 */
export function destinations(urls: string[]): (url: string) => boolean {
  const allowed = urls.map((text) => {
    const { protocol, origin, pathname } = new URL(text)
    // Other schemes have the origin "null", and all of those are equal.
    if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`not http(s): ${text}`)
    return { origin, path: pathname.replace(/\/+$/, '') }
  })
  return (text) => {
    const { origin, pathname } = new URL(text)
    // Servers decode these before they choose a location: "/api/..%2fother" would climb out.
    if (/%2f|%5c/i.test(pathname)) return false
    return allowed.some(
      (place) =>
        origin === place.origin &&
        (pathname === place.path || pathname.startsWith(`${place.path}/`)),
    )
  }
}
