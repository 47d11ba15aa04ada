import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { PATHS } from '../src/contract/index.ts'
import { bridgeProcess } from './bridge-process.ts'
import { startFakeOdoo } from './fake-odoo.ts'
import { COOKIE, refreshClaims, SAME_ORIGIN } from './helper.ts'

const CHAINS = 16
const CRASHES = 25

const post = (url: string, path: string, body: object, token?: string): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: {
      ...SAME_ORIGIN,
      'content-type': 'application/json',
      ...(token === undefined ? {} : { cookie: `${COOKIE}=${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  })

const refreshTokenOf = (response: Response): string =>
  new RegExp(`${COOKIE}=([^;]+)`).exec(response.headers.getSetCookie()[0] ?? '')?.[1] ?? ''

/**
 * Kills a bridge again and again while clients refresh. Whoever was given a token can use it;
 * whoever got no answer asks again with the old one. Nobody is ever signed out.
 * @param settings choose the database
 */
export async function testCrashes(t: Test, settings: Record<string, string>): Promise<void> {
  const odoo = await startFakeOdoo()
  const bridge = await bridgeProcess(t.testdir({}), { ODOO_URL: odoo.url, ...settings })
  await bridge.start()
  t.teardown(async () => {
    await bridge.stop('SIGKILL')
    await odoo.close()
  })

  let running = true
  let answered = 0
  let unanswered = 0
  const refused: string[] = []

  const signIn = async (): Promise<string> => {
    const response = await post(bridge.url, PATHS.login, { login: 'demo', password: 'demo' })
    if (response.status !== 200) throw new Error(`The sign-in was answered ${response.status}.`)
    return refreshTokenOf(response)
  }

  const chain = async (first: string): Promise<void> => {
    let token = first
    while (running) {
      let response: Response
      try {
        response = await post(bridge.url, PATHS.refresh, {}, token)
        await response.arrayBuffer()
      } catch {
        unanswered++
        // Not a storm on a port that is closed.
        await wait(10)
        continue
      }
      if (response.status !== 200) {
        refused.push(`${response.status} for generation ${refreshClaims(token).gen}`)
        return
      }
      token = refreshTokenOf(response)
      answered++
    }
  }
  // One after the other: so many at once look like guessing.
  const tokens: string[] = []
  while (tokens.length < CHAINS) tokens.push(await signIn())
  const chains = tokens.map(chain)
  for (let crash = 0; crash < CRASHES; crash++) {
    const before = answered
    while (answered < before + CHAINS && refused.length === 0) await wait(5)
    await wait(Math.random() * 20)
    await bridge.stop('SIGKILL')
    await bridge.start()
  }
  running = false
  await Promise.all(chains)
  t.same(refused, [])
  t.ok(answered > CHAINS * CRASHES, `${answered} refreshes answered, ${unanswered} not`)
}
