/** Keys that js_periodic and requests look for at the same time, by a clock that stands still. */
import t from 'tap'
import { findKey, refreshKeySet } from '../../src/key-sets.ts'
import { newKey } from '../support/tokens.ts'

const MAX_STALE = 86400

/** A gate without nginx, whose bridge answers when it is told to. */
function fakeGate() {
  const zone = () => {
    const values = new Map<string, string | number>()
    return {
      get: (name: string) => values.get(name),
      set: (name: string, value: string | number) => values.set(name, value),
      add: (name: string, value: string | number) => !values.has(name) && values.set(name, value),
      delete: (name: string) => values.delete(name),
      incr: (name: string, by: number, from: number) =>
        values.set(name, Number(values.get(name) ?? from) + by),
    }
  }
  const fetches: ((jwks: object) => void)[] = []
  const fetch = () =>
    new Promise((resolve) => {
      fetches.push((jwks) => {
        resolve({ status: 200, text: () => Promise.resolve(JSON.stringify(jwks)) })
      })
    })
  const names = ['keys', 'times', 'fetches', 'unknown_keys', 'counts']
  const shared = Object.fromEntries(names.map((name) => [`drawbridge_${name}`, zone()]))
  Object.assign(globalThis, { ngx: { shared, fetch, log: () => undefined } })
  return fetches
}

t.test('what js_periodic brings is not fetched again, nor for the next key', async (t) => {
  const now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  const url = 'http://127.0.0.1:3000/jwks'
  const [first, second] = [newKey('key-1'), newKey('key-2')]
  const fetches = fakeGate()

  const turn = refreshKeySet(url)
  const waiting = findKey(url, 'key-1', MAX_STALE)
  fetches[0]?.({ keys: [first.publicJwk] })
  await turn
  t.match(await waiting, { kid: 'key-1' })
  t.equal(fetches.length, 1)

  // Nobody fetched for a request so far, so one may.
  t.intercept(Date, 'now', { value: () => now + 1 })
  const next = findKey(url, 'key-2', MAX_STALE)
  fetches[1]?.({ keys: [first.publicJwk, second.publicJwk] })
  t.match(await next, { kid: 'key-2' })
  t.equal(fetches.length, 2)

  t.equal(await findKey(url, 'nobody', MAX_STALE), 'unknown_key')
  t.equal(fetches.length, 2, 'and another one not for a while')
})
