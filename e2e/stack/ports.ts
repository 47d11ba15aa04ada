/** Ports of this machine. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port of 127.0.0.1 that nobody uses right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port was given')
  return address.port
}

/**
 * Whether something can be bound to a port.
 * @returns the error's code, such as EADDRINUSE, or undefined when it is free
 */
export async function portProblem(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
  server.close()
  await once(server, 'close')
  return undefined
}

/** Whether this machine has the IPv6 loopback address. */
export const hasIPv6Loopback = async (): Promise<boolean> =>
  (await portProblem(0, '::1')) === undefined
