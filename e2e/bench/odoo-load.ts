/** Requests that are sent over and over, and what they cost the processes that answer them. */
import { cpuSeconds, treeOf } from './processes.ts'
import { percentile } from './statistics.ts'

/** One request. */
export interface Target {
  url: string
  headers: Record<string, string>
  body: object
}

/** What is watched. */
export interface Pids {
  odoo: number
  postgresql: number
}

export interface LoadResult {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** Milliseconds of CPU for one request. */
  odooCpu: number
  postgresqlCpu: number
}

/** Records that every answer must hold. */
const RECORDS = 10

async function ask({ url, headers, body }: Target): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  const answer: unknown = response.ok ? JSON.parse(text) : undefined
  // JSON-RPC wraps what it gives.
  const records = (answer as { result?: unknown } | undefined)?.result ?? answer
  if (!Array.isArray(records) || records.length !== RECORDS) {
    throw new Error(`${url} answered with ${response.status}: ${text.slice(0, 500)}`)
  }
}

/**
 * Asks for some seconds.
 * @param options.clients requests under way at any time
 * @throws Error if an answer is not what it must be
 */
export async function load(
  target: Target,
  { odoo, postgresql }: Pids,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<LoadResult> {
  const latencies: number[] = []
  const cpu = () => ({
    odoo: cpuSeconds(treeOf(odoo)),
    postgresql: cpuSeconds(treeOf(postgresql)),
  })
  const before = cpu()
  const begin = performance.now()
  const end = begin + seconds * 1000
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const sent = performance.now()
      await ask(target)
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const took = (performance.now() - begin) / 1000
  const after = cpu()
  const sorted = Float64Array.from(latencies).sort()
  const each = (used: number): number => (used * 1000) / sorted.length
  return {
    perSecond: sorted.length / took,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    odooCpu: each(after.odoo - before.odoo),
    postgresqlCpu: each(after.postgresql - before.postgresql),
  }
}
