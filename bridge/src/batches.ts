export interface BatchOptions<Item> {
  /** Items in one batch. */
  most: number
  /** Batches that may be under way; what arrives meanwhile makes up the next. */
  atOnce: number
  /** Items of the same name do not go into one batch. */
  nameOf?: (item: Item) => string
}

/**
 * Puts calls that arrive together into one.
 * @param run answers each item in its place, an Error for one that failed; what it throws, all get
 */
export function batches<Item, Result>(
  run: (items: Item[]) => Promise<(Result | Error)[]>,
  { most, atOnce, nameOf }: BatchOptions<Item>,
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item
    resolve: (result: Result) => void
    reject: (error: Error) => void
  }
  let queue: Waiting[] = []
  let underWay = 0
  let scheduled = false

  const take = (): Waiting[] => {
    const taken: Waiting[] = []
    const left: Waiting[] = []
    const names = new Set<string>()
    for (const waiting of queue) {
      const name = nameOf?.(waiting.item)
      const fits = taken.length < most && (name === undefined || !names.has(name))
      if (name !== undefined) names.add(name)
      if (fits) taken.push(waiting)
      else left.push(waiting)
    }
    queue = left
    return taken
  }

  const answer = async (batch: Waiting[]) => {
    try {
      const results = await run(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index]
        if (result === undefined) reject(new Error('The batch was answered without this item.'))
        else if (result instanceof Error) reject(result)
        else resolve(result)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error as Error)
    }
  }

  const start = () => {
    scheduled = false
    while (queue.length > 0 && underWay < atOnce) {
      underWay++
      void answer(take()).finally(() => {
        underWay--
        start()
      })
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject })
      if (scheduled) return
      scheduled = true
      // After all that this turn of the event loop brings.
      setImmediate(start)
    })
}
