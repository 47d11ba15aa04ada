import type { ErrorResponse } from '@drawbridge/bridge/contract'
import { SessionError, unanswered } from './errors.ts'

/** What the bridge, or whatever stands before it, answered. */
export interface Answer {
  status: number
  ok: boolean
  /** The parsed JSON; null if it was none. */
  body: unknown
  timing: Timing
}

/** What the answer says of its own making; nothing where it says none. @see W3C Server Timing §3 */
export interface Timing {
  /** `Server-Timing`, as it came. */
  timing?: string
}

// From the answer itself: a PerformanceObserver cannot tell which of two requests for one address,
// or which attempt, an entry is about; nor does every browser give it these.
export const timingOf = (response: Response): Timing => {
  const timing = response.headers.get('Server-Timing')
  return timing === null ? {} : { timing }
}

/**
 * Asks the bridge, with its cookie.
 * @param path one of its PATHS
 * @param signal gives the request up
 * @throws {SessionError} `offline` or `unreachable`, also after `signal`
 */
export type Post = (path: string, body: object, signal?: AbortSignal) => Promise<Answer>

/**
 * @param bridge its URL, without a slash at the end
 * @param timeout milliseconds after which it is taken to be unreachable
 */
export function bridgeRequests(
  bridge: string,
  fetch: typeof globalThis.fetch,
  timeout: number,
): Post {
  return async (path, body, signal) => {
    const timedOut = AbortSignal.timeout(timeout)
    try {
      const response = await fetch(bridge + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify(body),
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, timedOut]) : timedOut,
      })
      const { status, ok } = response
      return { status, ok, body: parse(await response.text()), timing: timingOf(response) }
    } catch (cause) {
      throw unanswered(cause)
    }
  }
}

/** Why the bridge did not do what it was asked for. */
export function failure({ status, body }: Answer): SessionError {
  const { error } = (body ?? {}) as Partial<ErrorResponse>
  // A proxy that finds no bridge answers in its own words.
  const code = error ?? (status >= 500 ? 'unreachable' : 'bad_response')
  return new SessionError(code, { status })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
