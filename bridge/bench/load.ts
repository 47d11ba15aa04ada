/**
 * The load generator, in a process of its own: it keeps chains of requests going, each with the
 * newest token of its chain, over a fixed number of connections. An answer that is not what it must
 * be ends the run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { percentile } from '../../e2e/bench/statistics.ts'
import { exchange, type Caller, type ExchangeName } from './exchanges.ts'

/** One run of the load. */
export interface LoadJob {
  origin: string
  exchange: ExchangeName
  caller: Caller
  /** The newest token of each chain. */
  tokens: string[]
  /** Connections, each with one request at a time. */
  connections: number
  /** Seconds, */
  seconds?: number
  /** or a number of requests. */
  requests?: number
}

/** What a run gave. */
export interface LoadResult {
  requests: number
  seconds: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** The newest token of each chain. */
  tokens: string[]
}

export type LoadAnswer = { result: LoadResult } | { error: string }

async function runLoad(job: LoadJob): Promise<LoadResult> {
  const { path, headers, body, next } = exchange(job.exchange, job.caller)
  const tokens = [...job.tokens]
  const latencies: number[] = []
  // Chains that nobody is using; whoever is free takes the one that has waited longest.
  const free = tokens.map((_, chain) => chain)
  let taken = 0
  let over = false
  const limit = job.requests ?? Infinity

  const call = async (client: Client, chain: number): Promise<void> => {
    const token = tokens[chain] ?? ''
    const begin = performance.now()
    const response = await client.request({
      path,
      method: 'POST',
      headers: headers(token, chain),
      body: body(token),
    })
    const text = await response.body.text()
    latencies.push(performance.now() - begin)
    const following = response.statusCode === 200 ? next(token, response.headers, text) : undefined
    if (following === undefined) {
      throw new Error(`${job.exchange} was answered with ${response.statusCode}: ${text}`)
    }
    tokens[chain] = following
  }

  const connection = async (): Promise<void> => {
    const client = new Client(job.origin)
    try {
      while (!over && taken < limit) {
        taken += 1
        const chain = free.shift()
        if (chain === undefined) throw new Error('There are more connections than chains.')
        await call(client, chain)
        free.push(chain)
      }
    } finally {
      over = true
      await client.close()
    }
  }

  const begin = performance.now()
  const timer = job.seconds === undefined ? undefined : new AbortController()
  const clock =
    timer &&
    sleep((job.seconds ?? 0) * 1000, undefined, { signal: timer.signal }).then(
      () => {
        over = true
      },
      () => undefined,
    )
  try {
    await Promise.all(Array.from({ length: job.connections }, connection))
  } finally {
    timer?.abort()
    await clock
  }
  const seconds = (performance.now() - begin) / 1000
  const sorted = Float64Array.from(latencies).sort()
  return {
    requests: sorted.length,
    seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    tokens,
  }
}

process.on('message', (job: LoadJob) => {
  runLoad(job)
    .then(
      (result): LoadAnswer => ({ result }),
      (error: unknown): LoadAnswer => ({ error: String((error as Error).stack ?? error) }),
    )
    .then((answer) => process.send?.(answer))
    .catch((error: unknown) => {
      throw error
    })
})
process.on('disconnect', () => {
  process.exit()
})
