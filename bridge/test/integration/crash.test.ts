import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { testCrashes } from '../crash.ts'

const { inside } = readStack()

// Fifty restarts in all take their time.
test('25 crashes under load lose no answered rotation: PostgreSQL', { timeout: 180_000 }, (t) =>
  testCrashes(t, { DATABASE_URL: inside.bridgeDatabaseUrl }),
)

test('25 crashes under load lose no answered rotation: SQLite', { timeout: 180_000 }, (t) =>
  testCrashes(t, {}),
)
