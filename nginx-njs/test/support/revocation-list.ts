/** A list of revocations that a test writes, read in pages as a bridge's is. */
import type { RevocationsPage } from '@drawbridge/bridge/contract'
import { now } from './tokens.ts'

/** An ended session, or a user whose tokens of before are refused. */
export type Revocation =
  { sid: string; until?: number } | { sub: string; cutoff: number; until?: number }

export interface RevocationList {
  /** Another one means that the bridge was started again. */
  epoch: string
  entries: Revocation[]
  /** How many entries go into a page. */
  pageSize: number
  /** Each question: where it was answered from, and the epochs that the gate named. */
  read: { from: number; epochs: string[] }[]
  page: (query: URLSearchParams) => RevocationsPage
}

/** A list for `TestBridge.revocations`. An entry without `until` counts for ten minutes. */
export function revocationList(entries: Revocation[] = [], epoch = 'epoch-1'): RevocationList {
  const list: RevocationList = {
    epoch,
    entries,
    pageSize: 5000,
    read: [],
    page: (query) => {
      const epochs = (query.get('epochs') ?? '').split(',')
      const all = !epochs.includes(list.epoch)
      const from = all ? 0 : Number(query.get('after'))
      const to = Math.min(from + list.pageSize, list.entries.length)
      list.read.push({ from, epochs })
      const page: RevocationsPage = {
        epoch: list.epoch,
        all,
        sessions: [],
        users: [],
        after: String(to),
        more: to < list.entries.length,
      }
      for (const entry of list.entries.slice(from, to)) {
        const until = entry.until ?? now() + 600
        if ('sid' in entry) page.sessions.push([entry.sid, until])
        else page.users.push([entry.sub, entry.cutoff, until])
      }
      return page
    },
  }
  return list
}
