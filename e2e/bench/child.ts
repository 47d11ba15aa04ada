/** A module as a process of its own, with which this one exchanges messages. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'

export interface Child {
  pid: number
  send(message: object): void
  /** @throws Error if the process ends first */
  answer<Message>(): Promise<Message>
  stop(): Promise<void>
}

/** How much of what it complained of is kept, in characters. */
const COMPLAINTS = 2000

/**
 * Starts it. It ends by itself when this process does, however that ends: their channel closes.
 * @param module path of its file
 */
export function startChild(module: string, args: readonly string[] = []): Child {
  const child: ChildProcess = fork(module, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    complaints = (complaints + chunk).slice(-COMPLAINTS)
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${basename(module)} ended (${String(signal ?? code)}). ${complaints}`)
  })
  ended.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    send: (message) => {
      child.send(message)
    },
    answer: async <Message>() => {
      const message: unknown[] = await Promise.race([once(child, 'message'), ended])
      return message[0] as Message
    },
    stop: async () => {
      if (child.connected) child.disconnect()
      await ended.catch(() => undefined)
    },
  }
}
