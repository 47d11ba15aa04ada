import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import type { Test } from 'tap'
import { build } from 'vite'

const ORIGIN = 'https://app.example'

test('the service worker keeps the app’s own files and nothing else', async (t) => {
  const worker = await startBuiltWorker(t)
  const kept = await worker.install()
  t.ok(kept.includes('/index.html'))
  const files = /^\/(index\.html|manifest\.webmanifest|assets\/[\w-]+\.(js|css)|[\w-]+\.(svg|png))$/
  for (const path of kept) t.match(path, files)

  for (const path of ['/', '/activity', '/sign-in?return=%2Factivity']) {
    t.ok(worker.answers(path, 'navigate'), `the shell for ${path}`)
  }
  for (const path of [
    ...['/auth/login', '/auth/refresh', '/auth/logout', '/oauth/authorize?client_id=x'],
    ...['/oauth/token', '/.well-known/jwks.json', '/api/protected/data', '/documentation'],
  ]) {
    t.notOk(worker.answers(path, 'navigate'), `a page at ${path} is the network’s`)
    t.notOk(worker.answers(path, 'cors'), `a call to ${path} is the network’s`)
    t.notOk(worker.answers(path, 'cors', 'POST'), `a POST to ${path} is the network’s`)
  }
})

/** Builds the app and runs its service worker in a scope where only the network is made up. */
async function startBuiltWorker(t: Test) {
  const outDir = join(t.testdir(), 'dist')
  const root = join(import.meta.dirname, '..')
  await build({ root, logLevel: 'silent', build: { outDir, emptyOutDir: true } })

  const listeners = new Map<string, ((event: object) => void)[]>()
  const fetched: string[] = []
  const cache = { match: () => undefined, put: () => undefined, keys: () => [] }
  const scope = {
    ...{ Request, Response, Headers, URL, Promise, setTimeout, clearTimeout, console },
    ...{ ExtendableEvent: Event, FetchEvent: class extends Event {} },
    location: new URL('/sw.js', ORIGIN),
    registration: { scope: `${ORIGIN}/` },
    caches: { open: () => cache, match: () => undefined, keys: () => [] },
    skipWaiting: () => undefined,
    fetch: (request: Request) => {
      fetched.push(new URL(request.url).pathname)
      return Promise.resolve(new Response(''))
    },
    addEventListener: (type: string, listener: (event: object) => void) => {
      listeners.set(type, [...(listeners.get(type) ?? []), listener])
    },
  }
  runInNewContext(await readFile(join(outDir, 'sw.js'), 'utf8'), { ...scope, self: scope })
  const send = (type: string, event: object) => {
    for (const listener of listeners.get(type) ?? []) listener({ type, ...event })
  }

  return {
    /** @returns the paths of what was put into the cache */
    async install(): Promise<string[]> {
      const work: Promise<unknown>[] = []
      send('install', { waitUntil: (promise: Promise<unknown>) => work.push(promise) })
      await Promise.all(work)
      return fetched
    },
    /** Whether the worker answers such a request itself. */
    answers(path: string, mode: RequestMode, method = 'GET'): boolean {
      let answered = false
      const respondWith = (answer: Promise<unknown>) => {
        answered = true
        answer.catch(() => undefined)
      }
      const request = { url: ORIGIN + path, mode, method, headers: new Headers() }
      send('fetch', { request, respondWith, waitUntil: () => undefined })
      return answered
    },
  }
}
