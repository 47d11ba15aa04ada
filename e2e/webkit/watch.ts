import type { WebDriver } from 'selenium-webdriver'

/** A request of a page, and how it was answered. */
interface Seen {
  path: string
  /** 0 as long as there is no answer. */
  status: number
  bearer: string | null
}

export interface Watch {
  /** The statuses that a path was answered with, in order. */
  statuses(path: string): Promise<number[]>
  /** The last access token that was shown. */
  lastBearer(): Promise<string>
  /** What the page's own policy kept from happening. */
  violations(): Promise<string[]>
}

/** Looks on, from inside the page, until it is left: WebDriver tells nothing of the network. */
export async function watch(driver: WebDriver): Promise<Watch> {
  await driver.executeScript(() => {
    const seen: Seen[] = []
    const violations: string[] = []
    const original = globalThis.fetch
    globalThis.fetch = async (input, init) => {
      const request = new Request(input, init)
      const bearer = request.headers.get('authorization')?.replace('Bearer ', '') ?? null
      const each: Seen = { path: new URL(request.url).pathname, status: 0, bearer }
      seen.push(each)
      const response = await original(request)
      each.status = response.status
      return response
    }
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      violations.push(`${violatedDirective} ${blockedURI}`)
    })
    Object.assign(globalThis, { watched: { seen, violations } })
  })
  const read = <What extends 'seen' | 'violations'>(what: What) =>
    driver.executeScript<{ seen: Seen[]; violations: string[] }[What]>(
      `return globalThis.watched.${what}`,
    )
  return {
    statuses: async (path) =>
      (await read('seen')).filter((each) => each.path === path).map(({ status }) => status),
    lastBearer: async () =>
      (await read('seen')).findLast(({ bearer }) => bearer !== null)?.bearer ?? '',
    violations: () => read('violations'),
  }
}
