import type { Page, Request } from 'playwright/test'

/** What went over the wire to one origin. */
export interface Network {
  /** The status of each answer at this path, in order; 0 for a request without an answer. */
  seen(path: string): number[]
  /** The requests to this path, in order. */
  requests(path: string): Request[]
  /** The access token that was sent last. */
  lastBearer(): string
}

/** Watches what a page really sends, preflights apart. */
export function watch(page: Page, origin: string): Network {
  const answered: { request: Request; status: number }[] = []
  page.on('response', (response) => {
    answered.push({ request: response.request(), status: response.status() })
  })
  const at = (path: string) =>
    answered.filter(({ request }) => {
      const url = new URL(request.url())
      return url.origin === origin && url.pathname === path && request.method() !== 'OPTIONS'
    })
  return {
    seen: (path) => at(path).map(({ status }) => status),
    requests: (path) => at(path).map(({ request }) => request),
    lastBearer: () => {
      const sent = answered.map(({ request }) => request.headers()['authorization'])
      return sent.findLast((header) => header !== undefined)?.slice('Bearer '.length) ?? ''
    },
  }
}
