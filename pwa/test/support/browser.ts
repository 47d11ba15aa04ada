import type { Test } from 'tap'
import { SESSION_EVENTS, createSession } from '../../src/auth/index.ts'
import type { Session, SessionOptions } from '../../src/auth/index.ts'
import { Bridge } from './bridge.ts'

/** One browser: tabs that share a cookie jar, a clock and a bridge. */
export class Browser {
  readonly bridge = new Bridge()
  /** Milliseconds since 1970. */
  clock = Date.now()
  /** The refresh token's cookie. */
  cookie = ''
  /** Every request of the browser fails as if there were no network. */
  offline = false
  readonly #tabs: Session[] = []

  /** A new tab. */
  tab(options: Partial<SessionOptions> = {}): Session {
    const session = createSession({
      bridge: this.bridge.url,
      now: () => this.clock,
      fetch: (input, init) => this.fetch(input, init),
      ...options,
    })
    this.#tabs.push(session)
    return session
  }

  /** What the tabs tell each other by, as another tab has it. */
  channel(t: Test): BroadcastChannel {
    const channel = new BroadcastChannel(`drawbridge/1 ${this.bridge.url}`)
    t.teardown(() => {
      channel.close()
    })
    return channel
  }

  async close(): Promise<void> {
    for (const tab of this.#tabs) tab.close()
    await this.bridge.close()
  }

  /** The network, with the cookie. */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    if (this.offline) throw new TypeError('fetch failed')
    const request = new Request(input, init)
    if (init?.credentials === 'same-origin') request.headers.set('Cookie', this.cookie)
    const response = await fetch(request)
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) this.cookie = set
    return response
  }
}

/** A browser for one test, with its bridge running. */
export async function openBrowser(t: Test): Promise<Browser> {
  const browser = new Browser()
  await browser.bridge.listen()
  t.teardown(() => browser.close())
  return browser
}

/** The names of a session's events, as they come. */
export function record(session: Session): string[] {
  const names: string[] = []
  for (const name of SESSION_EVENTS) {
    session.addEventListener(name, () => {
      names.push(name)
    })
  }
  return names
}

/** Resolves with the next event of that name. */
export const next = (session: Session, name: string): Promise<Event> =>
  new Promise((resolve) => {
    session.addEventListener(name, resolve, { once: true })
  })

/** Ann, signed in in one tab. @param clock what it shows then */
export async function signedIn(t: Test, options: Partial<SessionOptions> = {}, clock = Date.now()) {
  const browser = await openBrowser(t)
  browser.clock = clock
  const tab = browser.tab(options)
  await tab.login({ login: 'ann', password: "ann's" })
  return { browser, bridge: browser.bridge, tab }
}

/**
 * The page's own clock, as opposed to the machine's.
 * @returns how to have milliseconds pass on it
 */
export function pageClock(t: Test): (milliseconds: number) => void {
  const now = performance.now.bind(performance)
  let ahead = 0
  t.intercept(performance, 'now', { value: () => now() + ahead })
  return (milliseconds) => {
    ahead += milliseconds
  }
}
