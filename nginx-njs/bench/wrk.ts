/** The load: wrk, from the same root file system as nginx. */
import { basename, dirname, join } from 'node:path'
import { run } from '../../e2e/stack/process.ts'
import { inRoot } from '../../e2e/stack/roots.ts'

/** Tokens in a file, one a line. */
export interface TokenFile {
  path: string
  count: number
}

export interface LoadJob {
  url: string
  /** What all requests show: one token, or those of a file in turn, from one of them on. */
  show: string | { file: TokenFile; first: number }
  /** At least 1: wrk knows no parts of a second. */
  seconds: number
}

export interface LoadResult {
  requests: number
  seconds: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** Seconds of CPU of wrk itself. */
  cpu: number
}

/** What wrk.lua prints. */
interface Summary {
  requests: number
  microseconds: number
  p50: number
  p99: number
  /** Answers with a status of 400 or more. */
  refused: number
  /** Connections that failed or timed out. */
  broken: number
}

/** Connections, each with one request at a time. */
export const CONNECTIONS = 32

// `times` of the shell tells what its children used: the second line, user and system.
const TIMED = '"$@"; status=$?; times; exit $status'
const TIMES = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm

function cpuOfChildren(printed: string): number {
  const [, children] = [...printed.matchAll(TIMES)]
  if (children === undefined) throw new TypeError(`No times in: ${printed}`)
  const [, userMinutes, user, systemMinutes, system] = children.map(Number)
  return 60 * ((userMinutes ?? NaN) + (systemMinutes ?? NaN)) + (user ?? NaN) + (system ?? NaN)
}

/**
 * Runs wrk with one thread.
 * @throws Error if it got any other answer than 2xx or 3xx
 */
export async function load({ url, show, seconds }: LoadJob): Promise<LoadResult> {
  const single = typeof show === 'string'
  const printed = await run(
    inRoot(
      'stack',
      [
        ...['sh', '-c', TIMED, 'sh'],
        ...['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', '/mnt/bench/wrk.lua'],
        ...(single ? ['-H', `Authorization: Bearer ${show}`, url] : [url]),
        ...(single
          ? []
          : ['--', join('/mnt/tokens', basename(show.file.path)), String(show.first)]),
      ],
      {
        readOnlyBinds: {
          '/mnt/bench': import.meta.dirname,
          ...(single ? {} : { '/mnt/tokens': dirname(show.file.path) }),
        },
      },
    ),
    { name: 'wrk' },
  )
  const line = printed.split('\n').find((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`wrk gave no summary: ${printed}`)
  const { requests, microseconds, p50, p99, refused, broken } = JSON.parse(line) as Summary
  if (requests === 0 || refused > 0 || broken > 0) {
    throw new Error(`Of ${requests} requests to ${url} ${refused} were refused, ${broken} broken.`)
  }
  return {
    requests,
    seconds: microseconds / 1e6,
    p50: p50 / 1000,
    p99: p99 / 1000,
    cpu: cpuOfChildren(printed),
  }
}
