/**
 * One call at a time: whoever asks while it runs gets the same outcome. After a failure everybody
 * gets that failure for a while, so that a crowd does not become a storm.
 * @param coolDown milliseconds that a failure is handed out
 */
export function sharedCall<T>(work: () => Promise<T>, coolDown = 0): () => Promise<T> {
  let running: Promise<T> | undefined
  let failure: { error: Error; until: number } | undefined
  return () => {
    if (running) return running
    if (failure && Date.now() < failure.until) return Promise.reject(failure.error)
    failure = undefined
    running = work()
      .catch((error: unknown) => {
        failure = { error: error as Error, until: Date.now() + coolDown }
        throw error
      })
      .finally(() => {
        running = undefined
      })
    return running
  }
}
