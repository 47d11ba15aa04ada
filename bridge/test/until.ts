import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks again until it is so: for what happens in its own time, and only an answer tells. Between
 * two questions others get their turn, also where no question needs the event loop.
 * @param within milliseconds, after which it throws
 */
export async function until(
  probe: () => boolean | Promise<boolean>,
  within = 15_000,
): Promise<void> {
  const deadline = performance.now() + within
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`It did not become so within ${within} ms.`)
    await pause(5)
  }
}
