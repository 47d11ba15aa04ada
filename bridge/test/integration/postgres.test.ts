import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { openPostgres } from '../../src/sessions/postgres.ts'
import { testSessionStore } from '../session-store.ts'

const { inside } = readStack()

test('sessions on PostgreSQL', (t) => {
  testSessionStore(t, () =>
    openPostgres(inside.bridgeDatabaseUrl, (error) => {
      throw error
    }),
  )
})
