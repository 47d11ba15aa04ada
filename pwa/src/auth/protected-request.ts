/**
 * The request as it may carry the access token.
 *
 * A redirect is an error, unless the caller handles it by `manual`: the token must not follow it.
 * And no answer is kept by the browser, unless the caller says how: its cache does not ask who is
 * signed in, and the next user of this browser would be given what was meant for the one before.
 * @param plain is used up
 */
export function protectedRequest(plain: Request): Request {
  const { cache, redirect } = plain
  return new Request(plain, {
    cache: cache === 'default' ? 'no-store' : cache,
    redirect: redirect === 'follow' ? 'error' : redirect,
  })
}

/**
 * What was promised, unless the caller gives up first: then that ends for them at once, and goes on
 * for all others who wait for it.
 * @throws the reason of `signal`, as `fetch` does
 */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const settled = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    const give = () => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) give()
    // A signal of the app outlives its requests: none may stay behind on it.
    else signal.addEventListener('abort', give, { signal: settled.signal })
  })
  try {
    return await Promise.race([aborted, promise])
  } finally {
    settled.abort()
  }
}
