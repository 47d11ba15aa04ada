/** Looks for tokens in every place where a browser, or the stack, could have left them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page, Response } from 'playwright/test'

/** A place, and the text that lies there. */
type Places = Record<string, string>

/** What a page can reach by itself. Runs in the page. */
async function placesInPage(): Promise<Places> {
  const wait = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(new Error('IndexedDB cannot be read.'))
      }
    })
  const records: unknown[] = []
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await wait(indexedDB.open(name))
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store)
      records.push(await wait(objects.getAllKeys()), await wait(objects.getAll()))
    }
    database.close()
  }
  const cached: unknown[] = []
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      const response = await cache.match(request)
      cached.push(name, request.url, [...request.headers])
      cached.push([...(response?.headers ?? [])], await response?.text())
    }
  }
  const dom: string[] = []
  const readDom = (root: Document | ShadowRoot): void => {
    for (const element of root.querySelectorAll('*')) {
      if (element instanceof HTMLInputElement) dom.push(element.value)
      if (element.shadowRoot) {
        dom.push(element.shadowRoot.innerHTML)
        readDom(element.shadowRoot)
      }
    }
  }
  dom.push(document.documentElement.outerHTML)
  readDom(document)
  return {
    localStorage: JSON.stringify(localStorage),
    sessionStorage: JSON.stringify(sessionStorage),
    indexedDB: JSON.stringify(records),
    caches: JSON.stringify(cached),
    'document.cookie': document.cookie,
    'history.state': JSON.stringify(history.state),
    'window.name': window.name,
    'document.referrer': document.referrer,
    performance: JSON.stringify(performance.getEntries()),
    dom: dom.join('\n'),
  }
}

/** What the debugger alone can see of a page. */
async function placesOfPage(page: Page): Promise<Places> {
  const debug = await page.context().newCDPSession(page)
  const { entries } = await debug.send('Page.getNavigationHistory')
  await debug.detach()
  return { history: JSON.stringify(entries), ...(await page.evaluate(placesInPage)) }
}

/** The parts of a token that are worth something: all of it, and its signature. */
const partsOf = (token: string): string[] => [token, token.split('.')[2] ?? token]

/** All files at and below a folder, as text. */
function filesOf(folder: string): Places {
  const places: Places = {}
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    places[file.slice(folder.length + 1)] = readFileSync(file, 'latin1')
  }
  return places
}

/** A watch over a whole browser. */
export interface Watch {
  /** Every token that was on the wire so far, access and refresh. */
  tokens(): Promise<ReadonlySet<string>>
  /** The places of the pages, the console and the wire where one of the secrets is to be seen. */
  inBrowser(secrets: Iterable<string>, pages: Page[]): Promise<string[]>
}

/** @param isTokenAnswer whether an answer brings tokens */
export function watchForLeaks(
  context: BrowserContext,
  isTokenAnswer: (response: Response) => boolean,
): Watch {
  const said: string[] = []
  const urls: string[] = []
  const referrers: string[] = []
  const tokens = new Set<string>()
  const pending: Promise<void>[] = []
  const read = async (response: Response): Promise<void> => {
    const { access_token } = (await response.json()) as { access_token: string }
    tokens.add(access_token)
    const cookie = (await response.headerValue('set-cookie')) ?? ''
    const refreshToken = /=([^;]+)/.exec(cookie)?.[1]
    if (refreshToken !== undefined) tokens.add(refreshToken)
  }
  context.on('response', (response) => {
    if (isTokenAnswer(response)) pending.push(read(response))
  })
  context.on('request', (request) => {
    urls.push(request.url())
    referrers.push(request.headers()['referer'] ?? '')
  })
  context.on('console', (message) => {
    said.push(message.text())
  })
  context.on('weberror', (error) => {
    said.push(String(error.error().stack))
  })
  return {
    tokens: async () => {
      await Promise.all(pending)
      return tokens
    },
    inBrowser: async (secrets, pages) => {
      const places: [string, string][] = [
        ['console', said.join('\n')],
        ['request URL', urls.join('\n')],
        ['referrer', referrers.join('\n')],
      ]
      for (const page of pages) places.push(...Object.entries(await placesOfPage(page)))
      return find(places, secrets)
    },
  }
}

/** The files below a folder in which one of the secrets stands. */
export const inFiles = (folder: string, secrets: Iterable<string>): string[] =>
  find(Object.entries(filesOf(folder)), secrets)

function find(places: [string, string][], secrets: Iterable<string>): string[] {
  const parts = [...secrets].flatMap(partsOf)
  const found = places.filter(([, text]) => parts.some((part) => text.includes(part)))
  return [...new Set(found.map(([place]) => place))]
}
