import { Agent, request } from 'undici'

/** Milliseconds, from the look-up of the name to the end of the answer. */
const TIMEOUT = 5000

/** Bytes of the answer's body: it says nothing, and is read so that the connection can stay. */
const LONGEST_ANSWER = 4096

/** The way to what clients have registered to be told at. */
export interface LogoutRequests {
  /**
   * @returns the status of the answer, of which nothing else counts
   * @throws Error if there is none in time
   */
  post(uri: string, logoutToken: string): Promise<number>
  close(): Promise<void>
}

/**
 * Sends logout tokens. The addresses stand in the operator's own file, so they may be of the
 * operator's own network, unlike those that another server names (see providers/upstream-fetch.ts).
 * What answers there is not trusted for all that: redirects are not followed, since they would be
 * its word, and neither its slowness nor its length holds anything up.
 * @param timeout milliseconds
 * @see OpenID Connect Back-Channel Logout 1.0 §2.5
 */
export function createLogoutRequests(timeout = TIMEOUT): LogoutRequests {
  const agent = new Agent({ connect: { timeout } })
  return {
    post: async (uri, logoutToken) => {
      const signal = AbortSignal.timeout(timeout)
      const { statusCode, body } = await request(uri, {
        dispatcher: agent,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ logout_token: logoutToken }).toString(),
        signal,
      })
      // The status has been said, however the rest may come.
      await body.dump({ limit: LONGEST_ANSWER, signal }).catch(() => undefined)
      return statusCode
    },
    close: () => agent.destroy(),
  }
}
