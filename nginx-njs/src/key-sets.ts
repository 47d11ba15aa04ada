import { countFailure } from './counts.ts'
import { sha256 } from './digest.ts'
import { type PublishedKey, readJwks } from './jwks.ts'
import { again, once } from './once.ts'
import { nextGeneration } from './passes.ts'
import type { RefusalReason } from './refusals.ts'
import { usableKeys } from './signature.ts'
import { numberZone, textZone } from './zones.ts'

/** The keys of one source, as they were when last fetched. */
export interface KeySet {
  keys: PublishedKey[]
  /** Milliseconds since 1970. */
  fetchedAt: number
}

// How old a set may become before js_periodic fetches it again. Milliseconds.
const REFRESH_AFTER = 60000

// Where the engine keeps a context, an unchanged set is parsed once.
const parsed: Partial<Record<string, KeySet>> = {}

/** The keys of a source as they were last fetched, however long ago. */
function lastSet(url: string): KeySet | undefined {
  const times = numberZone('drawbridge_times')
  const fetchedAt = times.get(url)
  let set = parsed[url]
  if (set === undefined || set.fetchedAt !== fetchedAt) {
    const text = textZone('drawbridge_keys').get(url)
    if (text === undefined) return undefined
    set = JSON.parse(text) as KeySet
    parsed[url] = set
    // The sets outlive a restart in a file, their times do not.
    if (fetchedAt === undefined) times.set(url, set.fetchedAt)
  }
  return set
}

const serves = (set: KeySet | undefined, maxStale: number, now: number): set is KeySet =>
  set !== undefined && now - set.fetchedAt <= maxStale * 1000

/**
 * The keys of a source.
 * @param maxStale seconds
 * @param now milliseconds
 * @returns undefined when none were fetched yet, or too long ago
 */
export function keySet(url: string, maxStale: number, now: number): KeySet | undefined {
  const set = lastSet(url)
  return serves(set, maxStale, now) ? set : undefined
}

/** When the keys of a source were fetched; milliseconds since 1970, undefined: never. */
export const keySetTime = (url: string): number | undefined =>
  numberZone('drawbridge_times').get(url)

/** Fetches the keys of a source. @returns whether that succeeded */
async function fetchKeySet(url: string): Promise<boolean> {
  try {
    const response = await ngx.fetch(url, { headers: { Accept: 'application/json' } })
    if (response.status !== 200) throw new Error(`it answered ${response.status}`)
    const text = await response.text()
    const published = readJwks(url, text)
    if (published === undefined) throw new Error('its answer is not a JWK set')
    const keys = await usableKeys(url, published)
    const set: KeySet = { keys, fetchedAt: Date.now() }
    textZone('drawbridge_keys').set(url, JSON.stringify(set))
    numberZone('drawbridge_times').set(url, set.fetchedAt)
    nextGeneration()
    return true
  } catch (error) {
    countFailure('keys')
    ngx.log(ngx.ERR, `drawbridge: no key set from ${url}: ${(error as Error).message}`)
    return false
  }
}

/** Fetches a set that is missing or older than a minute, for js_periodic. */
export async function refreshKeySet(url: string): Promise<void> {
  if (keySet(url, REFRESH_AFTER / 1000, Date.now()) === undefined) {
    await again(url, () => fetchKeySet(url))
  }
}

// For as long, nobody fetches a set again for the sake of a key that was just missing in it. One
// that is published meanwhile comes by js_periodic. Milliseconds.
const LACKING = 60000

const lackOf = (url: string, kid: string): string => sha256(`${url} ${kid}`)

const keyOf = (set: KeySet | undefined, kid: string): PublishedKey | undefined =>
  set === undefined ? undefined : set.keys.find((key) => key.kid === kid)

/** @param seen the set that lacks the key, or is too old */
async function fetchKey(
  url: string,
  kid: string,
  maxStale: number,
  seen: KeySet | undefined,
): Promise<PublishedKey | RefusalReason> {
  const upToDate = await once(
    url,
    () => fetchKeySet(url),
    // Whoever put another one there. The clock would not tell: js_periodic may bring it in the very
    // millisecond in which this request looked.
    () => {
      const fetchedAt = keySetTime(url)
      return fetchedAt !== undefined && (seen === undefined || seen.fetchedAt !== fetchedAt)
    },
  )
  const set = keySet(url, maxStale, Date.now())
  const found = keyOf(set, kid)
  if (found !== undefined) return found
  if (!upToDate || set === undefined) return 'keys_unavailable'
  numberZone('drawbridge_unknown_keys').set(lackOf(url, kid), 1, LACKING)
  return 'unknown_key'
}

/**
 * The key of that name, fetched if it is not at hand.
 * @param maxStale seconds
 * @returns at once if it is
 */
export function findKey(
  url: string,
  kid: string,
  maxStale: number,
): PublishedKey | RefusalReason | Promise<PublishedKey | RefusalReason> {
  const last = lastSet(url)
  const set = serves(last, maxStale, Date.now()) ? last : undefined
  const known = keyOf(set, kid)
  if (known !== undefined) return known
  const lacking = numberZone('drawbridge_unknown_keys').get(lackOf(url, kid)) !== undefined
  return set !== undefined && lacking ? 'unknown_key' : fetchKey(url, kid, maxStale, last)
}

/**
 * Whether a key is in a set.
 * @param id of the key
 */
export function publishes(set: KeySet, id: string): boolean {
  const keys = set.keys
  // No closure: this is asked on every request.
  for (let i = 0; i < keys.length; i++) if ((keys[i] as PublishedKey).id === id) return true
  return false
}
