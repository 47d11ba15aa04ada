/** The `Cookie` header: what the gate takes from it, and what it leaves of it. @see RFC 6265 §4.2.1 */
import type { RefusalReason } from './refusals.ts'
import type { GateRequest } from './request.ts'

// The bridge's refresh cookie, on https and on plain http. It opens a session: no upstream but the
// bridge's own /auth may see it.
const REFRESH_COOKIES = ['__host-drawbridge_refresh', 'drawbridge_refresh']

const SAFE_METHODS = ['GET', 'HEAD']

interface Cookie {
  name: string
  value: string
  /** As it came. */
  text: string
}

function cookiesOf(header: string): Cookie[] {
  return header
    .split(';')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const end = text.indexOf('=')
      const name = end === -1 ? text : text.slice(0, end)
      return { name: name.trim(), value: end === -1 ? '' : text.slice(end + 1).trim(), text }
    })
}

type Variables = GateRequest['variables']

/**
 * Whether another site may have made the browser send this request, and its cookies with it. What
 * only reads is left to the same-origin policy; a WebSocket is not under it.
 * @see RFC 6265 §8.2, W3C Fetch Metadata §2.3
 */
function isCrossSite(v: Variables): boolean {
  const upgrades = (v.http_upgrade ?? '') !== ''
  if (SAFE_METHODS.includes(v.request_method ?? '') && !upgrades) return false
  const site = v.http_sec_fetch_site ?? ''
  if (site !== '') return site !== 'same-origin'
  const origin = v.http_origin ?? ''
  // A browser says one of the two. Who says neither is a program, and has only the cookies that it
  // was given.
  return origin !== '' && origin !== `${v.scheme ?? ''}://${v.http_host ?? ''}`
}

/**
 * The token of a cookie.
 * @returns why there is none: of two with one name, nobody knows which one the page would read
 */
export function tokenOfCookie(v: Variables, name: string): { token: string } | RefusalReason {
  const cookies = cookiesOf(v.http_cookie ?? '').filter((cookie) => cookie.name === name)
  if (cookies.length === 0) return 'no_token'
  if (cookies.length > 1) return 'malformed'
  return isCrossSite(v) ? 'cross_site' : { token: (cookies[0] as Cookie).value }
}

/**
 * A `Cookie` header without the bridge's refresh cookie.
 * @param tokenCookie name of another one to leave out; '' for none
 */
export function stripCookies(header: string, tokenCookie: string): string {
  return cookiesOf(header)
    .filter((candidate) => {
      const folded = candidate.name.toLowerCase()
      return !REFRESH_COOKIES.includes(folded) && folded !== tokenCookie.toLowerCase()
    })
    .map((cookie) => cookie.text)
    .join('; ')
}

/** `js_set` of the cookies that an upstream gets. */
export const cookie = (r: Pick<GateRequest, 'variables'>): string =>
  stripCookies(r.variables.http_cookie ?? '', r.variables.drawbridge_token_cookie ?? '')
