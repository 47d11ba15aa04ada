/**
 * Starting, watching and stopping other programs, so that none outlives the one that started it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { StackError } from './error.ts'

/**
 * The command line that runs `command` in mount and process namespaces of its own, as process 1
 * there. When the process that started it dies, even by SIGKILL, everything below dies with it.
 */
export const contained = (command: string[]): string[] => [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...command,
]

export interface RunOptions {
  /** What to call it when it fails. */
  name?: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Given to the program on its standard input. */
  input?: string
  /** Called with each line of its standard error. */
  onLine?: (line: string) => void
}

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws StackError with the last lines that it printed, when it cannot be run or fails
 */
export async function run(command: string[], options: RunOptions = {}): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: 'pipe',
  })
  child.stdin.on('error', () => {
    // A program that ends without reading its input breaks the pipe; its exit says why.
  })
  child.stdin.end(options.input ?? '')
  const errorLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    errorLines.push(line)
    options.onLine?.(line)
  })
  const output = text(child.stdout)
  const failed = once(child, 'error').then(([error]) => error as Error)
  const closed = once(child, 'close').then(([code]) => code as number | null)
  const end = await Promise.race([failed, closed])
  if (end === 0) return output
  if (end instanceof Error)
    throw new StackError(`Cannot run ${options.name ?? program}: ${end.message}`)
  const printed = [...(await output).split('\n'), ...errorLines].filter((line) => line !== '')
  throw new StackError(
    `${options.name ?? command.join(' ')} failed (${end === null ? 'killed' : `exit ${end}`}).`,
    printed.slice(-25),
  )
}

/** A long-running program of a stack. */
export interface Part {
  name: string
  /** The program's own process id, as the machine sees it. Known once it is ready. */
  pid: number
  logFile: string
  /** How it ended; never rejects. */
  exited: Promise<string>
  /** Asks it to stop, and kills it when it does not within 10 seconds. */
  stop(): Promise<void>
  /** The last lines of its log. */
  lastLines(): string[]
}

export interface PartOptions {
  name: string
  /** As `inRoot` or `contained` makes it. */
  command: string[]
  /** Its whole environment, beside a `PATH` of Debian's programs: nothing of the caller's leaks in. */
  env?: Record<string, string>
  logFile: string
  stopSignal?: NodeJS.Signals
}

const PART_ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }
const STOP_WITHIN = 10_000

/** Starts a part. It writes to its log file, and is not reached by the terminal's Ctrl-C. */
export function startPart(options: PartOptions): Part {
  const [program = '', ...args] = options.command
  const log = openSync(options.logFile, 'w', 0o600)
  closeSync(log)
  const append = openSync(options.logFile, 'a')
  const child = spawn(program, args, {
    env: { ...PART_ENVIRONMENT, ...options.env },
    stdio: ['ignore', append, append],
    // A session of its own: Ctrl-C would else reach all parts at once, in no order.
    detached: true,
  })
  closeSync(append)
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit ${String(code)}` : `killed by ${signal}`)
    })
  })
  let running = true
  void exited.then(() => {
    running = false
  })
  return {
    name: options.name,
    logFile: options.logFile,
    exited,
    get pid() {
      return childOf(child.pid ?? 0) ?? 0
    },
    lastLines: () => lastLines(options.logFile),
    async stop() {
      if (!running) return
      const pid = childOf(child.pid ?? 0)
      // unshare itself holds signals back, so the program inside gets it.
      if (pid !== undefined) signal(pid, options.stopSignal ?? 'SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), pid === undefined ? 0 : STOP_WITHIN)
      await exited
      clearTimeout(killer)
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It may have ended just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The last lines of a log file. */
export function lastLines(logFile: string, count = 15): string[] {
  const lines = readFileSync(logFile, 'utf8').split('\n')
  return lines.filter((line) => line !== '').slice(-count)
}

/** The first child of a process; not every kernel lists them below /proc/PID/task. */
function childOf(parent: number): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    if (parentOf(entry) === parent) return Number(entry)
  }
  return undefined
}

/** The fields of a process from the third (its state) on. @see proc_pid_stat(5) */
function statOf(pid: string | number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name and may hold anything, brackets and spaces included.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(statOf(pid)[1])
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

const TICKS_PER_SECOND = 100

/**
 * When a process began, in milliseconds since 1970, to a hundredth of a second.
 * @see proc_pid_stat(5), starttime
 */
export function beginOf(pid: number): number {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  const age = uptime - Number(statOf(pid)[19]) / TICKS_PER_SECOND
  return Date.now() - age * 1000
}

/**
 * Asks again and again until `probe` answers true, or the part ends.
 * @throws StackError when the part ends first, or is not ready within `seconds`
 */
export async function untilReady(
  part: Part,
  probe: () => Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  let ended: string | undefined
  void part.exited.then((how) => {
    ended = how
  })
  while (!(await probe().catch(() => false))) {
    if (ended !== undefined) {
      throw new StackError(`${part.name} ended while starting (${ended}).`, part.lastLines())
    }
    if (Date.now() > deadline) {
      throw new StackError(`${part.name} is not ready after ${seconds} s.`, part.lastLines())
    }
    await sleep(50)
  }
}

/** Whether an address answers with a status below 300. */
export const answers = (url: string) => async (): Promise<boolean> =>
  (await fetch(url, { signal: AbortSignal.timeout(2000), redirect: 'manual' })).ok
