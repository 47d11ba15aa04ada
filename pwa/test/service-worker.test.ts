import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { headersFor, styleHashes } from '../vite-shell.ts'
import { buildPwa } from './support/build.ts'

const ORIGIN = 'https://app.example'

for (const base of ['/', '/app/']) {
  test(`the worker of ${base} keeps the app’s own files and nothing else`, async (t) => {
    const worker = await startWorker(join(await buildPwa(), 'site/sw.js'), base)
    const kept = await worker.install()
    t.ok(kept.includes(`${base}index.html`))
    t.ok(kept.some((path) => path.endsWith('.css')) && kept.some((path) => path.endsWith('.js')))
    const files = /^(index\.html|manifest\.webmanifest|assets\/[\w-]+\.(js|css)|[\w-]+\.(svg|png))$/
    for (const path of kept) t.match(path.slice(base.length), files)
    t.notOk(kept.some((path) => path.endsWith('sw.js')))

    const own = ['', 'activity', 'account?a=b', 'sign-in?return=%2Factivity', '?contact=7']
    for (const path of own) t.ok(worker.answers(base + path, 'navigate'), `the shell for ${path}`)
    const other = base === '/' ? '/app/' : '/'
    for (const path of [
      ...['/auth/login', '/auth/refresh', '/auth/logout', '/oauth/authorize?client_id=x'],
      ...['/oauth/token', '/.well-known/jwks.json', '/api/protected/data', '/documentation'],
      // What another install on this origin, or somebody else, has there.
      ...own.map((name) => other + name),
      ...['index.html', 'manifest.webmanifest', 'sw.js'].map((name) => other + name),
      ...[`${base}activity/x`, `${base}sign-in.html`, `${base}web`, `${base}/`, `${base}sw.js`],
    ]) {
      t.notOk(worker.answers(path, 'navigate'), `a page at ${path} is the network’s`)
      t.notOk(worker.answers(path, 'cors'), `a call to ${path} is the network’s`)
      t.notOk(worker.answers(path, 'cors', 'POST'), `a POST to ${path} is the network’s`)
    }
  })

  test(`the worker of ${base} clears up after its own earlier builds alone`, async (t) => {
    const worker = await startWorker(join(await buildPwa(), 'site/sw.js'), base)
    await worker.install()
    const other = base === '/' ? '/app/' : '/'
    worker.caches.set(`workbox-precache-v2-${ORIGIN}${other}`, new Set())
    const own = worker.caches.get(`workbox-precache-v2-${ORIGIN}${base}`)
    t.ok(own, 'its cache has the name of its scope')
    own?.add(`${ORIGIN}${base}assets/earlier.js`)
    await worker.activate()
    t.notOk(own?.has(`${ORIGIN}${base}assets/earlier.js`))
    t.same(
      [...worker.caches.keys()].sort(),
      ['/', '/app/'].map((scope) => `workbox-precache-v2-${ORIGIN}${scope}`),
    )
  })
}

test('it takes over only when it is told to', async (t) => {
  const worker = await startWorker(join(await buildPwa(), 'site/sw.js'), '/')
  await worker.install()
  for (const data of [null, 'SKIP_WAITING', {}, { type: 'other' }]) worker.tell(data)
  t.equal(worker.skipped(), 0)
  worker.tell({ type: 'SKIP_WAITING' })
  t.equal(worker.skipped(), 1)
})

test('the built page: its style is in the policy, its files lie beside it', async (t) => {
  const folder = await buildPwa()
  const html = await readFile(join(folder, 'site/index.html'), 'utf8')
  const headers = await readFile(join(folder, 'headers.conf'), 'utf8')
  const hashes = styleHashes(html)
  t.equal(hashes.length, 1)
  t.match(headers, `style-src 'self' ${hashes[0] ?? ''};`)
  t.notMatch(headers, /unsafe|@/)
  for (const [, address = ''] of html.matchAll(/(?:href|src)="([^"]*)"/g)) {
    t.match(address, /^\.\/[\w./-]+$/, 'relative')
  }
  t.ok(html.indexOf('class="splash"') < html.indexOf('rel="stylesheet"'), 'painted before it')
  for (const file of ['manifest.webmanifest', 'sw.js']) {
    t.notMatch(await readFile(join(folder, 'site', file), 'utf8'), /"\/(?:icon|account|assets)/)
  }
})

test('another style has another hash, and a script in the page is refused', (t) => {
  const template = "# @STYLE@\nstyle-src 'self' @STYLE@;"
  const one = headersFor('<style>a{color:red}</style>', template)
  t.not(one, headersFor('<style>a{color:blue}</style>', template))
  // printf 'a{color:red}' | openssl dgst -sha256 -binary | base64
  t.match(one, "'sha256-6hWWMOcF+mJesSJGYhmK2lkIIEw9Xc5XKGLPVzh8yxs='")
  t.throws(() => headersFor('<style>a{}</style><script>alert(1)</script>', template), /script/)
  t.throws(() => headersFor('<p>', template), /style/)
  t.end()
})

/** Runs a built worker in a scope where the network and the caches are made up. */
async function startWorker(file: string, base: string) {
  const listeners = new Map<string, ((event: object) => void)[]>()
  const fetched: string[] = []
  const caches = new Map<string, Set<string>>()
  let skipped = 0
  const open = (name: string) => {
    const entries = caches.get(name) ?? new Set<string>()
    caches.set(name, entries)
    const urlOf = (request: Request | string) =>
      typeof request === 'string' ? request : request.url
    return Promise.resolve({
      match: () => Promise.resolve(undefined),
      put: (request: Request | string) => {
        entries.add(urlOf(request))
        return Promise.resolve()
      },
      keys: () => Promise.resolve([...entries].map((url) => new Request(url))),
      delete: (request: Request) => Promise.resolve(entries.delete(urlOf(request))),
    })
  }
  const scope = {
    ...{ Response, Headers, URL, Promise, setTimeout, clearTimeout, console },
    // Addresses are relative to the worker's, as in a browser.
    Request: class extends Request {
      constructor(input: string | Request, init?: RequestInit) {
        super(typeof input === 'string' ? new URL(input, ORIGIN + base) : input, init)
      }
    },
    ...{ ExtendableEvent: Event, FetchEvent: class extends Event {} },
    location: new URL(`${base}sw.js`, ORIGIN),
    registration: { scope: ORIGIN + base },
    caches: {
      open,
      match: () => Promise.resolve(undefined),
      keys: () => Promise.resolve([...caches.keys()]),
      delete: (name: string) => Promise.resolve(caches.delete(name)),
    },
    skipWaiting: () => {
      skipped++
      return Promise.resolve()
    },
    fetch: (request: Request) => {
      fetched.push(new URL(request.url).pathname)
      return Promise.resolve(new Response(''))
    },
    addEventListener: (type: string, listener: (event: object) => void) => {
      listeners.set(type, [...(listeners.get(type) ?? []), listener])
    },
  }
  runInNewContext(await readFile(file, 'utf8'), { ...scope, self: scope })
  const send = (type: string, event: object) => {
    for (const listener of listeners.get(type) ?? []) listener({ type, ...event })
  }
  const sendAndWait = async (type: string) => {
    const work: Promise<unknown>[] = []
    send(type, { waitUntil: (promise: Promise<unknown>) => work.push(promise) })
    await Promise.all(work)
  }

  return {
    /** The names of all caches of the origin, and what is in them. */
    caches,
    /** @returns the paths of what was put into the cache */
    async install(): Promise<string[]> {
      await sendAndWait('install')
      return fetched
    },
    activate: (): Promise<void> => sendAndWait('activate'),
    tell(data: unknown): void {
      send('message', { data })
    },
    /** How often it wanted to take over. */
    skipped: (): number => skipped,
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
