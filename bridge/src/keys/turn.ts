/** The rules by which every bridge decides alike, from nothing but creation times and settings. */

export interface Dated {
  /** Milliseconds since 1970, by the clock of whoever keeps the keys. */
  createdAt: number
}

/** All in milliseconds. */
export interface Lifetimes {
  /** How long a key must have been published before it signs. */
  publishedFor: number
  /** How long a bridge that learns nothing new goes on signing with what it knows. */
  maxAge: number
  /** How long what a key signed is good, the leeway for clocks included. */
  signedFor: number
}

/**
 * The key that signs now: the newest of those that everybody has seen by now.
 * While none is that old, as on the first start or after a compromise, the oldest.
 * @param keys the oldest first
 * @param publishedFor milliseconds that a key must have been there before it signs
 * @param now milliseconds since 1970
 */
export function inTurn<T extends Dated>(
  keys: readonly T[],
  publishedFor: number,
  now: number,
): T | undefined {
  return keys.findLast((key) => key.createdAt + publishedFor <= now) ?? keys[0]
}

/**
 * The keys to publish: the next, the one in turn, and those that signed something still good.
 * @param keys the oldest first
 * @param now milliseconds since 1970
 */
export function published<T extends Dated>(
  keys: readonly T[],
  { publishedFor, maxAge, signedFor }: Lifetimes,
  now: number,
): T[] {
  // A bridge that has not heard of the successor signs on, but no longer than its keys serve.
  const signsAfterSuccessor = Math.max(publishedFor, maxAge)
  return keys.filter((_, index) => {
    const successor = keys[index + 1]
    return !successor || now < successor.createdAt + signsAfterSuccessor + signedFor
  })
}
