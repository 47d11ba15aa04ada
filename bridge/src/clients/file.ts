import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Client, Clients } from '../tokens/clients.ts'
import { parseClients, type ParseOptions } from './parse.ts'

/** Milliseconds between two looks at the file. */
const INTERVAL = 1000

export interface ClientsFileOptions extends ParseOptions {
  /** Without one there is the PWA alone. */
  file: string | undefined
  log: FastifyBaseLogger
  /** Told of each change of the file, once it was read: whether its clients are registered now. */
  observe: (outcome: 'ok' | 'failed') => void
  /** Milliseconds. */
  interval?: number
}

/** The registered clients, as the file lists them now. */
export interface WatchedClients extends Clients {
  close(): void
}

/**
 * Reads the clients from a file, and again whenever it changes. A change that is wrong is refused as
 * a whole: the clients from before go on.
 *
 * The file is small, so all of it is read by its name, over and over. That sees an edit, a rename
 * over it and the swap of a symbolic link above it (a ConfigMap of Kubernetes), on network file
 * systems and within one tick of their clocks, too. A watch by the kernel follows the old file, or
 * sees nothing.
 * @throws Error if the file cannot be read, or is wrong, in the first place
 */
export function openClients(options: ClientsFileOptions): WatchedClients {
  const { file, log, observe, interval = INTERVAL } = options
  const parse = (text: string): Map<string, Client> => parseClients(JSON.parse(text), options)
  if (file === undefined) {
    const clients = parse('[]')
    return { get: (id) => clients.get(id), values: () => clients.values(), close: () => undefined }
  }

  // What was seen last: the text, or why there was none. Either is told of once.
  let seen = readFileSync(file, 'utf8')
  let clients = parse(seen)

  const look = async (): Promise<void> => {
    const before = seen
    try {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        seen = (error as Error).message
        throw error
      })
      seen = text
      if (text === before) return
      clients = parse(text)
      log.info({ file, clients: clients.size - 1 }, 'clients read again')
      observe('ok')
    } catch (error) {
      if (seen === before) return
      // A JSON parser quotes what it does not understand, and here that may be a secret.
      const reason = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message
      log.error({ file, reason }, 'the changed CLIENTS_FILE is refused: the old clients go on')
      observe('failed')
    }
  }

  // One look after the other: a slow file system must not answer an older one last.
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined
    })
  }, interval)
  timer.unref()

  return {
    get: (clientId) => clients.get(clientId),
    values: () => clients.values(),
    close: () => {
      clearInterval(timer)
    },
  }
}
