/** Whether a token that is shown many times at once has one successor. */
import { Pool } from 'undici'
import { exchange } from './exchanges.ts'
import { signIn, startBridge, type Bridge, type BridgeSetting, type Storage } from './bridge.ts'

const REFRESHES = 20
const RACES = 10

const generationOf = (refreshToken: string): unknown =>
  (
    JSON.parse(Buffer.from(refreshToken.split('.')[1] ?? '', 'base64url').toString()) as {
      gen: unknown
    }
  ).gen

/** Shows one token to the pools in turn, all at once. @returns how many generations came of it */
async function race(pools: readonly Pool[], token: string, person: number): Promise<number> {
  const { path, headers, body, next } = exchange('bridgeRefresh', {})
  const generations = await Promise.all(
    Array.from({ length: REFRESHES }, async (_, index) => {
      const response = await pools[index % pools.length]?.request({
        path,
        method: 'POST',
        headers: headers(token, person),
        body: body(token),
      })
      if (response === undefined) throw new TypeError('A race needs a bridge.')
      const text = await response.body.text()
      const successor =
        response.statusCode === 200 ? next(token, response.headers, text) : undefined
      if (successor === undefined) {
        throw new Error(`A refresh in a race was answered with ${response.statusCode}: ${text}`)
      }
      return generationOf(successor)
    }),
  )
  return new Set(generations).size
}

async function raceOn(storage: Storage, setting: BridgeSetting, bridges: number): Promise<number> {
  const started: Bridge[] = []
  const pools: Pool[] = []
  try {
    for (let index = 0; index < bridges; index++) {
      const bridge = await startBridge(storage, setting)
      started.push(bridge)
      pools.push(new Pool(bridge.origin, { connections: REFRESHES }))
    }
    const [first] = started
    if (first === undefined) throw new TypeError('A race needs a bridge.')
    const { refreshTokens } = await signIn(first, RACES)
    const winners: number[] = []
    for (const [person, token] of refreshTokens.entries()) {
      winners.push(await race(pools, token, person))
    }
    return Math.max(...winners)
  } finally {
    for (const pool of pools) await pool.close()
    for (const { part } of started) await part.stop()
  }
}

/**
 * Races on both databases, on PostgreSQL through two bridges.
 * @returns the most generations that came of one token
 */
export async function measureRaces(setting: BridgeSetting): Promise<number> {
  return Math.max(await raceOn('postgres', setting, 2), await raceOn('sqlite', setting, 1))
}
