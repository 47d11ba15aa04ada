import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { openStore } from '../../src/sessions/store.ts'
import { newSession, START } from '../session-store.ts'
import { STORES } from '../stores.ts'

for (const [what, testStore] of Object.entries(STORES)) {
  test(`${what} on SQLite`, (t) => {
    const file = join(t.testdir({}), 'sessions.sqlite')
    testStore(t, () => openSqlite(file))
  })
}

/** Commits in a write-ahead log. @see https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function commitsIn(file: string): number {
  const log = readFileSync(file)
  const [headerSize, frameHeaderSize, pageSizeAt, databaseSizeAt] = [32, 24, 8, 4]
  const frameSize = frameHeaderSize + log.readUInt32BE(pageSizeAt)
  let commits = 0
  for (let frame = headerSize; frame < log.length; frame += frameSize) {
    // The last frame of a commit tells how large the database is now, all others say 0.
    if (log.readUInt32BE(frame + databaseSizeAt) > 0) commits++
  }
  return commits
}

test('rotations that arrive together share one commit', async (t) => {
  const file = join(t.testdir({}), 'sessions.sqlite')
  const store = await openStore(openSqlite(file))
  t.teardown(() => store.close())
  const sessions = Array.from({ length: 20 }, newSession)
  for (const session of sessions) await store.insert(session)
  const before = commitsIn(`${file}-wal`)
  const move = { generation: 0, now: START + 1, idleTtl: 1000, checkedAfter: 0 }
  const moved = await Promise.all(sessions.map(({ sid }) => store.rotate({ sid, ...move })))
  t.ok(moved.every((session) => session?.generation === 1))
  t.equal(commitsIn(`${file}-wal`) - before, 1)
})
