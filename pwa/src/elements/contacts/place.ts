/** How many rows are remembered: one of those in sight may be gone from the list that comes. */
const REMEMBERED = 20

/**
 * Notes where the reader of a list is: which rows they see, and what has the focus.
 * @param list its children are the rows, which stay the same elements when others come between them
 * @returns puts the window and the focus back there, once the list is another one
 */
export function placeIn(list: Element | null): () => void {
  const rows = [...(list?.children ?? [])]
  const first = firstInSight(rows)
  // At the beginning, it is the beginning that is looked at, and not the row which stands there.
  const isRead = first > 0 || (rows[0]?.getBoundingClientRect().top ?? 0) < 0
  const seen = isRead ? rows.slice(first, first + REMEMBERED) : []
  const tops = seen.map((row) => row.getBoundingClientRect().top)
  const { activeElement } = document
  const focused = list?.contains(activeElement) === true ? (activeElement as HTMLElement) : null

  return () => {
    // Not all browsers do that by themselves: overflow-anchor.
    const index = seen.findIndex((row) => row.isConnected)
    const moved = (seen[index]?.getBoundingClientRect().top ?? 0) - (tops[index] ?? 0)
    if (moved !== 0) window.scrollBy({ top: moved, behavior: 'instant' })
    // A row that is put elsewhere in the list loses it.
    if (focused?.isConnected === true) focused.focus({ preventScroll: true })
  }
}

/** By halves: measuring thousands would take longer than a frame. */
function firstInSight(rows: readonly Element[]): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > 0) high = middle
    else low = middle + 1
  }
  return low
}
