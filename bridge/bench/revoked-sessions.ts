/** Many sessions that were ended, for those who measure what a long list of them costs. */
import { randomUUID } from 'node:crypto'
import { openSqlite } from '../src/sessions/sqlite.ts'
import { openStore } from '../src/sessions/store.ts'
import type { Session } from '../src/sessions/port.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/**
 * A session that began a minute before it was ended.
 * @param ended milliseconds since 1970
 */
function endedSession(uid: number, ended: number): Session {
  const began = ended - MINUTE
  return {
    sid: randomUUID(),
    uid,
    client_id: 'drawbridge-pwa',
    scope: 'odoo.read',
    audience: 'http://localhost:8080/api',
    roles: 'internal',
    generation: 0,
    rotated_at: began,
    late_replays: 0,
    late_replay_at: null,
    created_at: began,
    last_seen_at: began,
    expires_at: began + DAY,
    absolute_expires_at: began + DAY,
    revoked_at: ended,
    revoked_reason: 'logout',
    auth_time: began,
    amr: 'pwd',
    device: 'a browser',
    ip: '127.0.0.1',
    odoo_session: null,
    odoo_stamp: null,
    odoo_checked_at: began,
    odoo_browser: null,
    browser_sid: null,
    claims: null,
    logout_at: null,
    logout_tries: 0,
    persistent: 1,
  }
}

/**
 * Puts sessions that were ended into a SQLite database; no bridge may run on it. A minute ago: what
 * was ended just now is read by the gates several times.
 * @returns the last one's `sid`
 */
export async function insertRevokedSessions(file: string, count: number): Promise<string> {
  const database = openSqlite(file)
  const store = await openStore(database)
  try {
    // One transaction: each would else wait for the disk.
    await database.execute('BEGIN')
    const ended = Date.now() - MINUTE
    let last = ''
    for (let uid = 1; uid <= count; uid++) {
      const session = endedSession(uid, ended)
      await store.insert(session)
      last = session.sid
    }
    await database.execute('COMMIT')
    return last
  } finally {
    await store.close()
  }
}
