import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { openPostgres } from '../../src/sessions/postgres.ts'
import { STORES } from '../stores.ts'

const { inside } = readStack()

for (const [what, testStore] of Object.entries(STORES)) {
  test(`${what} on PostgreSQL`, (t) => {
    testStore(t, () =>
      openPostgres(inside.bridgeDatabaseUrl, (error) => {
        throw error
      }),
    )
  })
}
