import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { bridgeProcess } from '../bridge-process.ts'
import { SAME_ORIGIN } from '../helper.ts'

test('SIGTERM: what is in flight is finished, and the process ends', async (t) => {
  // An Odoo that answers when it is told to.
  let answer: (() => void) | undefined
  const odoo = createServer((_request, response) => {
    answer = () => {
      response.end(
        JSON.stringify({ error: { data: { name: 'odoo.exceptions.AccessDenied', message: '' } } }),
      )
    }
    odoo.emit('asked')
  })
  odoo.listen(0, '127.0.0.1')
  await once(odoo, 'listening')
  const { port } = odoo.address() as AddressInfo
  const bridge = await bridgeProcess(t.testdir({}), { ODOO_URL: `http://127.0.0.1:${port}` })
  await bridge.start()
  t.teardown(() => {
    odoo.close()
    odoo.closeAllConnections()
  })

  const asked = once(odoo, 'asked')
  const response = fetch(bridge.url + PATHS.login, {
    method: 'POST',
    headers: { ...SAME_ORIGIN, 'content-type': 'application/json' },
    body: JSON.stringify({ login: 'demo', password: 'demo' }),
  })
  await asked
  const stopped = bridge.stop('SIGTERM')
  answer?.()
  const { status, headers } = await response
  t.equal(status, 401, 'the answer still came')
  t.equal(headers.get('connection'), 'close', 'and keeps nothing open')
  t.equal(await stopped, 0)
})
