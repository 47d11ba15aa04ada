/** When this command began, and when it has to stop. */
import { once } from 'node:events'
import { StackError } from './error.ts'
import { beginOf } from './process.ts'

const PARENT_POLL = 500

const startedByNpm = process.env['npm_lifecycle_event'] !== undefined

/** When this command began, in milliseconds since 1970: with npm, which installs its packages first. */
export const commandBegan = (): number => beginOf(startedByNpm ? process.ppid : process.pid)

/**
 * A signal that aborts at Ctrl-C or SIGTERM, or when npm, which started this, is gone: killed
 * outright it cannot pass anything on.
 */
export function stopRequested(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort(new StackError('Stopped before it was done.'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  if (startedByNpm) {
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid !== parent) stop()
    }, PARENT_POLL)
    watch.unref()
  }
  for (const stream of [process.stdout, process.stderr]) {
    // The terminal may be gone, which is why this is stopping; nobody is left to read it.
    stream.on('error', () => undefined)
  }
  return controller.signal
}

/** Resolves once `signal` is aborted. */
export async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort')
  return undefined
}
