import type { GateRequest } from './request.ts'

// The bridge's refresh cookie, on https and on plain http. It opens a session: no upstream but the
// bridge's own /auth may see it.
const REFRESH_COOKIES = ['__host-drawbridge_refresh', 'drawbridge_refresh']

/**
 * A `Cookie` header without the bridge's refresh cookie.
 * @see RFC 6265 §4.2.1
 */
export function stripRefreshCookie(header: string): string {
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => {
      const name = pair.split('=')[0] ?? ''
      return pair !== '' && !REFRESH_COOKIES.includes(name.trim().toLowerCase())
    })
    .join('; ')
}

/** `js_set` of the cookies that an upstream gets. */
export const cookie = (r: Pick<GateRequest, 'variables'>): string =>
  stripRefreshCookie(r.variables.http_cookie ?? '')
