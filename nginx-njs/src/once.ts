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

// After that the work is not taken to be under way any more: a client that hung up took with it what
// its request had begun. Milliseconds.
const LONGEST_WORK = 3000

/** Where js_periodic marks that it is at the same work. */
const turnOf = (name: string): string => `${name} periodic`

/**
 * Work that requests cause, unless it was just done. Of all requests in all workers one does it
 * and the others wait for it.
 * @param name of the work
 * @param work says whether it succeeded
 * @param isDone whether it is done by now, by js_periodic too
 * @returns whether it has just succeeded, whoever did it
 */
export async function once(
  name: string,
  work: () => Promise<boolean>,
  isDone: () => boolean,
): Promise<boolean> {
  const fetches = textZone('drawbridge_fetches')
  const deadline = Date.now() + LONGEST_WAIT
  const isBefore = (end: number): boolean => !isDone() && Date.now() < end
  for (;;) {
    if (fetches.add(name, 'running', LONGEST_WORK)) {
      // A turn of js_periodic that is under way may bring it. The next one is not waited for: with
      // a slow bridge each may come to nothing, in its shorter time.
      const turn = fetches.get(turnOf(name))
      while (turn !== undefined && fetches.get(turnOf(name)) === turn && isBefore(deadline)) {
        await pause(LOOK_EVERY)
      }
      if (isDone()) {
        fetches.delete(name)
        return true
      }
      const done = await work()
      if (done) fetches.set(name, 'done', COOL_DOWN)
      else fetches.set(name, 'failed', COOL_DOWN_AFTER_FAILURE)
      return done
    }
    while (fetches.get(name) === 'running' && isBefore(deadline)) await pause(LOOK_EVERY)
    const ended = fetches.get(name)
    if (ended === 'done' || isDone()) return true
    if (ended !== undefined || Date.now() >= deadline) return false
  }
}

/**
 * The same work when js_periodic causes it: at once, whatever a request began, and without a
 * cool-down after it, so that a request can still cause it a moment later.
 */
export async function again(name: string, work: () => Promise<boolean>): Promise<void> {
  const fetches = textZone('drawbridge_fetches')
  fetches.set(turnOf(name), String(Date.now()), LONGEST_WORK)
  await work()
  fetches.delete(turnOf(name))
}
