/** Reads the list of revocations from the bridge, page by page. */
import type { RevocationsPage } from '@drawbridge/bridge/contract'
import { countFailure } from './counts.ts'
import { type JsonObject, jsonObject } from './json.ts'
import { again, once } from './once.ts'
import { nextGeneration } from './passes.ts'
import { cutOffUser, isBegun, revokeSession, setSyncedAt, syncedAt } from './revocations.ts'
import type { Issuer } from './settings.ts'
import { textZone } from './zones.ts'

/** Where the reading of one list stands. */
interface Position {
  /** Of the bridges whose list was begun: as many as may run side by side, the last one last. */
  epochs: string[]
  after: string
}

const MOST_EPOCHS = 8

// js_periodic ends what still runs when its next turn comes: no page is begun that late. The rest
// is read in the next turn. Milliseconds.
const TURN = 400

const isList = (value: unknown, isItem: (item: unknown[]) => boolean): boolean =>
  Array.isArray(value) && value.every((item) => Array.isArray(item) && isItem(item))

const isWord = (value: unknown): boolean => typeof value === 'string' && /^[\w.:-]+$/.test(value)

/** @throws Error when the answer is not a page */
function readPage(text: string): RevocationsPage {
  const page: JsonObject | undefined = jsonObject(text)
  if (
    page === undefined ||
    !isWord(page.epoch) ||
    !isWord(page.after) ||
    typeof page.all !== 'boolean' ||
    typeof page.more !== 'boolean' ||
    !isList(page.sessions, (item) => typeof item[0] === 'string' && typeof item[1] === 'number') ||
    !isList(
      page.users,
      (item) =>
        typeof item[0] === 'string' && typeof item[1] === 'number' && typeof item[2] === 'number',
    )
  ) {
    throw new Error('its answer is not a page of revocations')
  }
  return page as unknown as RevocationsPage
}

function position(url: string): Position {
  const text = isBegun(url) ? textZone('drawbridge_feeds').get(url) : undefined
  return text === undefined ? { epochs: [], after: '' } : (JSON.parse(text) as Position)
}

async function fetchPage(issuer: Issuer, from: Position): Promise<RevocationsPage> {
  const query = `epochs=${from.epochs.join(',')}&after=${encodeURIComponent(from.after)}`
  const response = await ngx.fetch(`${issuer.revocations}?${query}`, {
    headers: { Authorization: `Bearer ${issuer.credential}`, Accept: 'application/json' },
  })
  if (response.status !== 200) throw new Error(`it answered ${response.status}`)
  const text = await response.text()
  return readPage(text)
}

function store(url: string, page: RevocationsPage, began: number): void {
  const now = Date.now()
  try {
    // Until the last page of a new list it is not known whom it will name.
    if (page.all && page.more) setSyncedAt(url, undefined)
    page.sessions.forEach((entry) => {
      revokeSession(url, entry[0], entry[1], now)
    })
    page.users.forEach((entry) => {
      cutOffUser(url, entry[0], entry[1], entry[2], now)
    })
    if (!page.more) setSyncedAt(url, began)
  } catch (error) {
    // What does not fit would pass.
    if (isBegun(url)) setSyncedAt(url, undefined)
    throw new Error('the zone drawbridge_revocations is full')
  }
  // What is listed counts from here on, even if more is to come.
  nextGeneration()
}

/**
 * Takes a page in. The position moves last: what was not taken in is read again.
 * @param began when this reading began, milliseconds since 1970
 */
function apply(url: string, page: RevocationsPage, from: Position, began: number): Position {
  store(url, page, began)
  const others = from.epochs.filter((epoch) => epoch !== page.epoch)
  const to = { epochs: others.concat(page.epoch).slice(-MOST_EPOCHS), after: page.after }
  textZone('drawbridge_feeds').set(url, JSON.stringify(to))
  return to
}

/** Reads on until there is no more. @returns whether it came to the end */
async function readOn(issuer: Issuer, deadline: number): Promise<boolean> {
  const url = issuer.revocations
  try {
    const began = Date.now()
    let from = position(url)
    for (;;) {
      const page = await fetchPage(issuer, from)
      from = apply(url, page, from, began)
      if (!page.more) return true
      if (Date.now() > deadline) return false
    }
  } catch (error) {
    countFailure('revocations')
    ngx.log(ngx.ERR, `drawbridge: no revocations from ${url}: ${(error as Error).message}`)
    return false
  }
}

/** Reads the list of a gate that just started, for the request that needs it. */
export async function sync(issuer: Issuer): Promise<void> {
  const url = issuer.revocations
  await once(
    url,
    () => readOn(issuer, Infinity),
    () => syncedAt(url) !== undefined,
  )
}

/** Reads what is new, for js_periodic. */
export const poll = (issuer: Issuer): Promise<void> =>
  again(issuer.revocations, () => readOn(issuer, Date.now() + TURN))
