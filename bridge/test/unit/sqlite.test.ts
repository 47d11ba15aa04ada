import { join } from 'node:path'
import { test } from 'tap'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { testSessionStore } from '../session-store.ts'

test('sessions on SQLite', (t) => {
  const file = join(t.testdir({}), 'sessions.sqlite')
  testSessionStore(t, () => openSqlite(file))
})
