import type { KeyEvents } from '../src/keys/port.ts'

/** Nobody counts. */
export const unobserved: KeyEvents = {
  signed: () => undefined,
  signFailed: () => undefined,
  fetched: () => undefined,
  fetchFailed: () => undefined,
  loggedIn: () => undefined,
  loginFailed: () => undefined,
}

export type KeyCounts = Record<keyof KeyEvents, number>

/** Counts what happens to the keys. */
export function countKeyEvents(): { events: KeyEvents; counts: KeyCounts } {
  const names = Object.keys(unobserved) as (keyof KeyEvents)[]
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as KeyCounts
  const events = Object.fromEntries(
    names.map((name) => [name, () => counts[name]++]),
  ) as unknown as KeyEvents
  return { events, counts }
}
