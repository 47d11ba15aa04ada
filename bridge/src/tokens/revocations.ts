import { randomUUID } from 'node:crypto'
import type { RevocationsPage } from '../contract/index.ts'
import type { LogPosition, RevocationLog } from '../sessions/port.ts'

/** Entries of a kind in one page: well within what a gate reads in one answer. */
const MOST = 5000

/** Milliseconds that a gate may go on taking a token after it has expired, at most. */
const LARGEST_LEEWAY = 300_000

/**
 * Milliseconds. Each round reads again what was recorded in this time before the last one began.
 *
 * Nothing would be lost without, as long as the database's clock goes forward: a round begins where
 * the log is settled (see sessions/revocations.ts). But a PostgreSQL that takes over from another
 * has a clock of its own, and any clock is put back at times. What is put back by more than this is
 * noticed: the last round then began in the future.
 */
const OVERLAP = 10_000

/** Where a gate stands. Times are milliseconds since 1970, by the clock of the database. */
interface Cursor {
  /** When the round began: what it could not see was recorded then or later. */
  began: number
  /** Inside a round of several pages: what was read of it. */
  position: LogPosition | undefined
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value)

function encode({ began, position }: Cursor): string {
  const parts = position
    ? [
        began,
        position.session.revoked_at,
        position.session.sid,
        position.cutoff.recorded_at,
        position.cutoff.uid,
      ]
    : [began]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @returns undefined for what never came from here */
function decode(text: string): Cursor | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
  if (!Array.isArray(parts)) return undefined
  const [began, revoked_at, sid, recorded_at, uid] = parts as unknown[]
  if (!isTime(began)) return undefined
  if (parts.length === 1) return { began, position: undefined }
  const isPosition =
    parts.length === 5 &&
    isTime(revoked_at) &&
    typeof sid === 'string' &&
    // What a database would take.
    /^[ -~]{0,200}$/.test(sid) &&
    isTime(recorded_at) &&
    isTime(uid)
  return isPosition
    ? { began, position: { session: { revoked_at, sid }, cutoff: { recorded_at, uid } } }
    : undefined
}

/** What gates must refuse before it expires, page by page. */
export interface Revocations {
  /** Milliseconds that a revocation has to be known for: no token of before is taken after that. */
  readonly window: number
  /**
   * @param epochs what the gate has begun to read the whole list of
   * @param after of the page that it read last; anything else gives the whole list
   */
  page(epochs: readonly string[], after: string): Promise<RevocationsPage>
}

/** @param ttl of access tokens, in seconds */
export function createRevocations(log: RevocationLog, ttl: number): Revocations {
  const window = ttl * 1000 + LARGEST_LEEWAY
  const epoch = randomUUID()
  /** Seconds. */
  const until = (time: number): number => Math.ceil((time + window) / 1000)

  return {
    window,
    page: async (epochs, after) => {
      const given = epochs.includes(epoch) ? decode(after) : undefined
      // Before the reading, or what becomes visible in between would be lost.
      const { now, settled } = await log.times()
      // Of the future is a cursor of another database, or of before the clock was put back.
      const cursor = given && given.began <= now ? given : undefined

      const since = Math.max(now - window, cursor ? cursor.began - OVERLAP : 0)
      const start = cursor?.position ?? {
        // Before all that was recorded at that time or later.
        session: { revoked_at: since, sid: '' },
        cutoff: { recorded_at: since, uid: 0 },
      }
      const [sessions, cutoffs] = await Promise.all([
        log.sessions(start.session, MOST),
        log.cutoffs(start.cutoff, MOST),
      ])
      const more = sessions.length === MOST || cutoffs.length === MOST
      const position = {
        session: sessions.at(-1) ?? start.session,
        cutoff: cutoffs.at(-1) ?? start.cutoff,
      }
      return {
        epoch,
        all: cursor === undefined,
        sessions: sessions.map(({ sid, revoked_at }) => [sid, until(revoked_at)]),
        users: cutoffs.map(({ uid, cutoff_at }) => [
          String(uid),
          Math.floor(cutoff_at / 1000),
          until(cutoff_at),
        ]),
        after: encode({
          began: cursor?.position ? cursor.began : settled,
          position: more ? position : undefined,
        }),
        more,
      }
    },
  }
}
