import type { Contact } from '@drawbridge/bridge/contract'

/**
 * Puts a page behind those that were read before it. A contact that was renamed in between may be
 * in both: how it was read last counts, because a list shows nobody twice.
 */
export function joinPages(before: readonly Contact[], page: readonly Contact[]): Contact[] {
  const ids = new Set(page.map(({ id }) => id))
  return [...before.filter(({ id }) => !ids.has(id)), ...page]
}
