import { test } from 'tap'
import type { Test } from 'tap'
import { readProtectedData } from '../src/api/protected-data.ts'
import { openBrowser } from './support/browser.ts'
import type { Browser } from './support/browser.ts'

const DATA = { user: { uid: 2, name: 'Ann', login: 'ann' }, contacts: [], total: 0 }
const never = new AbortController().signal

test('the data, as the bridge gave it', async (t) => {
  const { tab } = await answering(t, () => Response.json(DATA))
  t.strictSame(await readProtectedData(tab, null, never), DATA)
})

test('each failure has its code', async (t) => {
  const cases: [string, () => Response][] = [
    ['odoo_unavailable', () => Response.json({ error: 'odoo_unavailable' }, { status: 503 })],
    ['insufficient_scope', () => Response.json({ error: 'insufficient_scope' }, { status: 403 })],
    ['unreachable', () => new Response('<h1>502 Bad Gateway</h1>', { status: 502 })],
    ['bad_response', () => new Response('<h1>404</h1>', { status: 404 })],
    ['bad_response', () => new Response('<h1>The shell</h1>')],
    ['bad_response', () => Response.json({ ...DATA, contacts: null })],
  ]
  for (const [code, answer] of cases) {
    const { tab } = await answering(t, answer)
    await t.rejects(readProtectedData(tab, null, never), { name: 'ApiError', code })
  }
})

test('no network is told apart from a server that does not answer', async (t) => {
  const online = { value: true, configurable: true, writable: true }
  Object.defineProperty(navigator, 'onLine', online)
  t.teardown(() => Reflect.deleteProperty(navigator, 'onLine'))
  const { browser, tab } = await answering(t, () => {
    throw new TypeError('fetch failed')
  })
  await t.rejects(readProtectedData(tab, null, never), { code: 'unreachable' })
  browser.clock += 601_000
  browser.offline = true
  await t.rejects(
    readProtectedData(tab, null, never),
    { code: 'unreachable' },
    'at the refresh too',
  )
  Object.assign(navigator, { onLine: false })
  await t.rejects(readProtectedData(tab, null, never), { code: 'offline' })
})

test('a session that ends meanwhile is no error of the data’s', async (t) => {
  const { browser, tab } = await answering(t, () => new Response(null, { status: 401 }))
  browser.bridge.endSessions()
  t.equal(await readProtectedData(tab, null, never), null)
  t.equal(tab.user, null)
})

test('nor is a request that nobody waits for any more', async (t) => {
  const { tab } = await answering(t, () => Response.json(DATA))
  t.equal(await readProtectedData(tab, null, AbortSignal.abort()), null)
})

/** A signed-in tab whose calls for data are answered by the test. */
async function answering(t: Test, answer: () => Response) {
  const browser: Browser = await openBrowser(t)
  const tab = browser.tab({
    fetch: (input, init) => {
      if (!(input instanceof Request)) return browser.fetch(input, init)
      input.signal.throwIfAborted()
      return Promise.resolve().then(answer)
    },
  })
  await tab.login({ login: 'ann', password: "ann's" })
  return { browser, tab }
}
