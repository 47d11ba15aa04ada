/** Tabs of one browser with nothing in them but the client, on the origin of the real stack. */
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { build } from 'esbuild'
import type { Session } from '../../pwa/src/auth/index.ts'
import { readStack, type Account } from '../stack/description.ts'
import { REPOSITORY } from '../stack/paths.ts'

/** What a page of these holds. */
interface ClientPage {
  session: Session
  /** The names of all its events, as they came. */
  events: string[]
}

const CLIENT_PAGE = '/client-page'

const APP = `
import { createSession, SESSION_EVENTS } from './index.ts'
const session = createSession({ bridge: location.origin, ...globalThis.clientOptions })
const events = []
for (const name of SESSION_EVENTS) session.addEventListener(name, () => events.push(name))
Object.assign(globalThis, { session, events })
`

async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: APP, resolveDir: join(REPOSITORY, 'pwa/src/auth') },
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** Serves the page of the tabs; all else of the origin is the stack's own. */
export async function serveClient(context: BrowserContext): Promise<void> {
  const script = await clientScript()
  const at = readStack().issuer + CLIENT_PAGE
  await context.route(at, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>Client</title><script type="module" src="${at}.js"></script>`,
    }),
  )
  await context.route(`${at}.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }),
  )
}

/** Begins the client in a page that is there: where a route stands in the way of what is sent. */
export async function beginClient(tab: Page): Promise<void> {
  await tab.evaluate(await clientScript())
}

/** @param options of its session, beside where the bridge is */
export async function openTab(context: BrowserContext, options: object = {}): Promise<Page> {
  const page = await context.newPage()
  await page.addInitScript((clientOptions) => {
    Object.assign(globalThis, { clientOptions })
  }, options)
  await page.goto(CLIENT_PAGE)
  await page.waitForFunction(() => 'session' in globalThis)
  return page
}

/** Signs in. @returns `ok` or the error's code */
export const login = (tab: Page, { login, password }: Account): Promise<string> =>
  tab.evaluate(
    (credentials) =>
      (globalThis as unknown as ClientPage).session.login(credentials).then(
        () => 'ok',
        (error: unknown) => (error as { code: string }).code,
      ),
    { login, password },
  )

/** Signs out. @returns as `login` */
export const logout = (tab: Page): Promise<string> =>
  tab.evaluate(() =>
    (globalThis as unknown as ClientPage).session.logout().then(
      () => 'ok',
      (error: unknown) => (error as { code: string }).code,
    ),
  )

/** Whether there is a session in the cookie, or the error's code. */
export const restore = (tab: Page): Promise<boolean | string> =>
  tab.evaluate(() =>
    (globalThis as unknown as ClientPage).session
      .restore()
      .catch((error: unknown) => (error as { code: string }).code),
  )

/** Calls as whoever is signed in. @returns the status, or the error's code or name */
export const call = (
  tab: Page,
  path: string = PATHS.protectedData,
  init: { method?: string; body?: string } = {},
): Promise<number | string> =>
  tab.evaluate(
    async ([path, init]) => {
      try {
        const response = await (globalThis as unknown as ClientPage).session.fetch(path, init)
        await response.text()
        return response.status
      } catch (error) {
        const { code, name } = error as { code: string | number; name: string }
        return typeof code === 'string' ? code : name
      }
    },
    [path, init] as const,
  )

/** Who is signed in, as the tab sees it. */
export const userOf = (tab: Page): Promise<string | null> =>
  tab.evaluate(() => (globalThis as unknown as ClientPage).session.user?.sub ?? null)

/** The names of a tab's events so far. */
export const eventsOf = (tab: Page): Promise<string[]> =>
  tab.evaluate(() => (globalThis as unknown as ClientPage).events)

/** Resolves when the tab knows that its access token has expired. */
export const untilTabSeesExpiry = async (tab: Page): Promise<void> => {
  await tab.waitForFunction(() => {
    const { expiresAt } = (globalThis as unknown as ClientPage).session
    return expiresAt !== null && expiresAt <= Date.now()
  })
}

/** From now on the tab meets a 401 before it refreshes. */
export const leaveExpiryToTheGateIn = (tab: Page): Promise<void> =>
  tab.evaluate(() => {
    ;(globalThis as unknown as ClientPage).session.refreshAhead = false
  })
