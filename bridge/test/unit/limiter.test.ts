import { join } from 'node:path'
import { test, type Test } from 'tap'
import { BridgeError } from '../../src/errors.ts'
import { createLimiter, normalisedAddress } from '../../src/plugins/limiter.ts'
import { migrate } from '../../src/sessions/migrate.ts'
import { openSqlite } from '../../src/sessions/sqlite.ts'
import { testLimiter } from '../limiter.ts'

const openMigrated = async (t: Test) => {
  const database = openSqlite(join(t.testdir(), 'limiter.sqlite'))
  t.teardown(() => database.close())
  await migrate(database)
  return database
}

test('what holds on every database', async (t) => {
  testLimiter(t, await openMigrated(t))
})

test('addresses: IPv6 by its /64, IPv4 however it is written', (t) => {
  t.equal(normalisedAddress('2001:db8:1:2:3:4:5:6'), normalisedAddress('2001:db8:1:2::1'))
  t.not(normalisedAddress('2001:db8:1:2::1'), normalisedAddress('2001:db8:1:3::1'))
  t.equal(normalisedAddress('::ffff:192.0.2.1'), '192.0.2.1')
  t.not(normalisedAddress('192.0.2.1'), normalisedAddress('192.0.2.2'))
  t.equal(normalisedAddress('unknown'), 'unknown')
  t.end()
})

test('neither login nor address can be read from the database', async (t) => {
  const database = await openMigrated(t)
  await createLimiter(database, 8).begin('a password in the wrong field', '192.0.2.1')
  const rows = JSON.stringify(await database.query('SELECT * FROM sign_in_attempts'))
  t.match(rows, 'pair:')
  t.notMatch(rows, /password|192/)
})

test('a database that does not answer: nobody may guess', async (t) => {
  const limiter = createLimiter({ query: () => Promise.reject(new Error('gone')) }, 8)
  const error = await limiter.begin('demo', '192.0.2.1').catch((reason: unknown) => reason)
  t.match(error, { code: 'database_unavailable', cause: { message: 'gone' } })
  t.type(error, BridgeError)
})

test('a database that breaks half way: nobody may guess either', async (t) => {
  const limiter = createLimiter(
    {
      query: (sql) =>
        sql.includes('INSERT') ? Promise.reject(new Error('gone')) : Promise.resolve([]),
    },
    8,
  )
  await t.rejects(limiter.begin('demo', '192.0.2.1'), { code: 'database_unavailable' })
})

test('one count that could not be written is enough', async (t) => {
  const limiter = createLimiter(
    {
      query: (sql, parameters = []) =>
        sql.includes('INSERT') && parameters[1] === 1 && String(parameters[0]).startsWith('login:')
          ? Promise.reject(new Error('gone'))
          : Promise.resolve(sql.includes('INSERT') ? ([{ points: 1, expire: 0 }] as never[]) : []),
    },
    8,
  )
  await t.rejects(limiter.begin('demo', '192.0.2.1'), { code: 'database_unavailable' })
})
