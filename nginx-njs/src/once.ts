import { textZone } from './zones.ts'

// Between two times that requests cause the same work: whatever they bring must not become as many
// requests to the bridge. Milliseconds.
const COOL_DOWN = 10000
// Shorter after a failure, when nobody is served in between.
const COOL_DOWN_AFTER_FAILURE = 2000

// How long a request waits for the work of another one, and how often it looks. Milliseconds.
const LONGEST_WAIT = 4000
const LOOK_EVERY = 25

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    // Between two looks at a shared dict: njs has no event for "another worker wrote there", and no
    // timers/promises.
    setTimeout(resolve, milliseconds)
  })

/**
 * Work that requests cause, unless it was just done. Of all requests in all workers one does it
 * and the others wait for it.
 * @param name of the work
 * @param work says whether it succeeded
 * @param isDone whether js_periodic has done it meanwhile, which leaves no mark here
 * @returns whether it has just succeeded, whoever did it
 */
export async function once(
  name: string,
  work: () => Promise<boolean>,
  isDone: () => boolean,
): Promise<boolean> {
  const fetches = textZone('drawbridge_fetches')
  const deadline = Date.now() + LONGEST_WAIT
  for (;;) {
    if (fetches.add(name, 'running', COOL_DOWN)) {
      const done = await work()
      if (done) fetches.set(name, 'done', COOL_DOWN)
      else fetches.set(name, 'failed', COOL_DOWN_AFTER_FAILURE)
      return done
    }
    while (fetches.get(name) === 'running' && Date.now() < deadline) await pause(LOOK_EVERY)
    const ended = fetches.get(name)
    if (ended === 'done' || isDone()) return true
    // A turn of js_periodic that came to nothing, in its shorter time, is no reason to give up.
    if (ended !== undefined || Date.now() >= deadline) return false
  }
}

/**
 * The same work when js_periodic causes it: at once, whatever a request began (a client that hangs
 * up in its midst must not hold this up), and without a cool-down after it, so that a request can
 * still cause it a moment later.
 */
export async function again(name: string, work: () => Promise<boolean>): Promise<void> {
  const fetches = textZone('drawbridge_fetches')
  fetches.set(name, 'running', COOL_DOWN)
  await work()
  fetches.delete(name)
}
