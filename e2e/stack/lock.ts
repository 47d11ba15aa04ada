/** Locks between processes. The kernel drops them when their holder dies, however it dies. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { StackError } from './error.ts'

const TAKEN = 75

export interface Lock {
  release(): Promise<void>
}

/**
 * Takes a lock.
 * @param file the lock file; made when it is not there
 * @param wait whether to wait for another holder
 * @returns undefined when another one holds it and `wait` is false
 */
export async function takeLock(file: string, wait = true): Promise<Lock | undefined> {
  mkdirSync(dirname(file), { recursive: true })
  const holder = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', '--', 'flock', '--no-fork'],
      ...(wait ? [] : ['--nonblock', '--conflict-exit-code', String(TAKEN)]),
      ...[file, 'sh', '-c', 'echo; exec cat'],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  )
  const exited = once(holder, 'exit').then(([code]) => code as number | null)
  const locked = once(holder.stdout, 'data').then(() => 'locked' as const)
  const outcome = await Promise.race([locked, exited])
  if (outcome === 'locked') {
    return {
      async release() {
        holder.stdin.end()
        await exited
      },
    }
  }
  if (outcome === TAKEN) return undefined
  throw new StackError(`Cannot lock ${file}.`)
}

/**
 * Does something while holding a lock, after whoever holds it now.
 * @param onWait called when another one holds it
 */
export async function withLock<T>(
  file: string,
  task: () => Promise<T>,
  onWait?: () => void,
): Promise<T> {
  let lock = await takeLock(file, false)
  if (lock === undefined) {
    onWait?.()
    lock = await takeLock(file)
  }
  try {
    return await task()
  } finally {
    await lock?.release()
  }
}
