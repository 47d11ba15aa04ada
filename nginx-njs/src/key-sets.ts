import { type PublishedKey, readJwks } from './jwks.ts'
import { zone } from './zones.ts'

/** The keys of one source, as they were when last fetched. */
export interface KeySet {
  keys: PublishedKey[]
  /** Milliseconds since 1970. */
  fetchedAt: number
}

// How old a set may become before js_periodic fetches it again. Milliseconds.
const REFRESH_AFTER = 60000

// Between two fetches that requests cause: unknown key ids must not become requests to the bridge.
const COOL_DOWN = 10000
// Shorter after a failure, when nobody is served in between.
const COOL_DOWN_AFTER_FAILURE = 2000

// How long a request waits for the fetch of another one, and how often it looks. Milliseconds.
const LONGEST_WAIT = 4000
const LOOK_EVERY = 25

// Where the engine keeps a context, an unchanged set is parsed once.
let parsed: { url: string; text: string; set: KeySet } | undefined

/**
 * The keys of a source.
 * @param maxStale seconds
 * @param now milliseconds
 * @returns undefined when none were fetched yet, or too long ago
 */
export function keySet(url: string, maxStale: number, now: number): KeySet | undefined {
  const text = zone('drawbridge_keys').get(url)
  if (text === undefined) return undefined
  if (parsed === undefined || parsed.url !== url || parsed.text !== text) {
    parsed = { url, text, set: JSON.parse(text) as KeySet }
  }
  const set = parsed.set
  return now - set.fetchedAt > maxStale * 1000 ? undefined : set
}

async function fetchKeySet(url: string): Promise<boolean> {
  try {
    const response = await ngx.fetch(url, { headers: { Accept: 'application/json' } })
    if (response.status !== 200) throw new Error(`it answered ${response.status}`)
    const text = await response.text()
    const keys = readJwks(url, text)
    if (keys === undefined) throw new Error('its answer is not a JWK set')
    const set: KeySet = { keys, fetchedAt: Date.now() }
    zone('drawbridge_keys').set(url, JSON.stringify(set))
    return true
  } catch (error) {
    ngx.log(ngx.ERR, `drawbridge: no key set from ${url}: ${(error as Error).message}`)
    return false
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/**
 * Fetches the keys of a source again, unless that was just done. Of all requests in all workers
 * one fetches and the others wait for it.
 * @returns whether the set at hand is as new as it can be had
 */
export async function refetch(url: string): Promise<boolean> {
  const fetches = zone('drawbridge_fetches')
  if (fetches.add(url, 'running', COOL_DOWN)) {
    const done = await fetchKeySet(url)
    if (done) fetches.set(url, 'done', COOL_DOWN)
    else fetches.set(url, 'failed', COOL_DOWN_AFTER_FAILURE)
    return done
  }
  const began = Date.now()
  // Nothing tells one worker that another is done, so it has to look.
  while (fetches.get(url) === 'running' && Date.now() - began < LONGEST_WAIT) {
    await pause(LOOK_EVERY)
  }
  // The periodic fetch leaves no mark but a set that is newer than the wait.
  return fetches.get(url) === 'done' || keySet(url, 0, began) !== undefined
}

/**
 * Fetches every set that is missing or older than a minute: what the requests asked for so far,
 * and the default source before any request does. It starts no cool-down: a key that is published
 * a moment later can still be fetched at once.
 */
export async function refreshKeySets(defaultUrl: string | undefined): Promise<void> {
  const fetches = zone('drawbridge_fetches')
  const urls = zone('drawbridge_keys').keys()
  if (defaultUrl !== undefined && defaultUrl !== '' && !urls.includes(defaultUrl)) {
    urls.push(defaultUrl)
  }
  for (let i = 0; i < urls.length; i++) {
    const url = urls[i] as string
    if (keySet(url, REFRESH_AFTER / 1000, Date.now()) === undefined) {
      // Whatever a request began: a client that hangs up in its midst must not hold this up.
      fetches.set(url, 'running', COOL_DOWN)
      await fetchKeySet(url)
      fetches.delete(url)
    }
  }
}
