import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ERRORS } from '../../src/contract/index.ts'
import { errorOf, startBridge } from '../helper.ts'

test('every error code is documented, with its status', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
  for (const [code, { status }] of Object.entries(ERRORS)) {
    t.match(page, new RegExp(`\\| \`${code}\` +\\| ${status} `), code)
  }
  t.end()
})

test('a fault of ours tells nothing', async (t) => {
  const { app } = await startBridge(t)
  app.get('/fault', () => Promise.reject(new Error('the password is swordfish')))
  const response = await app.inject({ url: '/fault' })
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, 'swordfish')
  t.same(errorOf(response), 'server_error')
})

test('an unknown address has the same shape of answer', async (t) => {
  const { app } = await startBridge(t)
  t.match((await app.inject({ url: '/nothing' })).json(), { error: 'not_found' })
})
