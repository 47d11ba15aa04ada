import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { GATE_CREDENTIAL, ISSUER } from './helper.ts'

/** The bridge as a process of its own, to be stopped in good and bad ways. */
export interface BridgeProcess {
  /** Starts it, and waits until it answers. */
  start(): Promise<void>
  /** Sends a signal and waits for the end. @returns the exit code; null if the signal ended it */
  stop(signal: NodeJS.Signals): Promise<number | null>
  url: string
}

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * @param folder for its keys, and its sessions where there is no DATABASE_URL
 */
export async function bridgeProcess(
  folder: string,
  settings: Record<string, string>,
): Promise<BridgeProcess> {
  const port = await freePort()
  const credentialFile = join(folder, 'credential')
  writeFileSync(credentialFile, GATE_CREDENTIAL)
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  const answers = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1000) })).ok
    } catch {
      return false
    }
  }

  return {
    url,
    start: async () => {
      child = spawn(process.execPath, [join(import.meta.dirname, '../src/server.ts')], {
        env: {
          ISSUER,
          PORT: String(port),
          ODOO_DATABASE: 'drawbridge',
          ODOO_DATABASE_UUID: 'the-uuid',
          KEY_CUSTODY: 'file',
          KEY_FILE: join(folder, 'keys.json'),
          SQLITE_FILE: join(folder, 'sessions.sqlite'),
          GATE_CREDENTIAL_FILE: credentialFile,
          LOG_LEVEL: 'fatal',
          ...settings,
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      while (!(await answers())) {
        if (child.exitCode !== null) throw new Error(`The bridge ended with ${child.exitCode}.`)
        await wait(20)
      }
    },
    stop: async (signal) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return null
      const ended = once(child, 'exit') as Promise<[number | null]>
      child.kill(signal)
      return (await ended)[0]
    },
  }
}
