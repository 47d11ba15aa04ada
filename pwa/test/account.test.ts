import { test } from 'tap'
import { PATHS } from '@drawbridge/bridge/contract'
import { disconnectApp, endDevice, readAccount } from '../src/api/account.ts'
import { openBrowser } from './support/browser.ts'

const never = new AbortController().signal
const device = (sid: string, client_id = 'drawbridge-pwa', current = false) => ({
  sid,
  client_id,
  current,
})

test('this device comes first, and the sessions of apps are no devices', async (t) => {
  const ended: string[] = []
  const browser = await openBrowser(t)
  const tab = browser.tab({
    resources: [PATHS.sessions, PATHS.apps].map((path) => browser.bridge.url + path),
    fetch: (input, init) => {
      if (!(input instanceof Request)) return browser.fetch(input, init)
      t.match(input.headers.get('authorization'), /^Bearer /)
      const { pathname } = new URL(input.url)
      if (input.method === 'DELETE') {
        ended.push(pathname)
        return Promise.resolve(new Response(null, { status: 204 }))
      }
      return Promise.resolve(
        pathname === PATHS.apps
          ? Response.json({ apps: [{ client_id: 'grafana' }] })
          : Response.json({
              sessions: [device('b'), device('c', 'grafana'), device('a', undefined, true)],
            }),
      )
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  const account = await readAccount(tab, never)
  t.same(
    account?.devices.map(({ sid }) => sid),
    ['a', 'b'],
  )
  t.same(account?.apps, [{ client_id: 'grafana' }])

  await endDevice(tab, 'b', never)
  await disconnectApp(tab, 'grafana', never)
  t.same(ended, [`${PATHS.sessions}/b`, `${PATHS.apps}/grafana`])
})
