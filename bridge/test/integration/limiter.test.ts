import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { migrate } from '../../src/sessions/migrate.ts'
import { openPostgres } from '../../src/sessions/postgres.ts'
import { testLimiter } from '../limiter.ts'

test('the limiter on PostgreSQL', async (t) => {
  const database = openPostgres(readStack().inside.bridgeDatabaseUrl, (error) => {
    t.error(error)
  })
  t.teardown(() => database.close())
  await migrate(database)
  testLimiter(t, database)
})
