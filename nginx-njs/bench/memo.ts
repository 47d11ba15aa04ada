/** The memo of an nginx: filled, and looked into. */
import type { Nginx } from './nginx.ts'
import { load, type TokenFile } from './wrk.ts'

/** Seconds of load between two looks. */
const LOOK_EVERY = 4

/**
 * Shows all tokens until nginx remembers them.
 * @param update told how far it is
 * @returns bytes of the zone for each
 * @throws Error if some give way to others
 */
export async function fillMemo(
  nginx: Nginx,
  file: TokenFile,
  update: (text: string) => void,
): Promise<number> {
  const before = await nginx.zones()
  let now = before
  while (now.tokens < file.count) {
    const show = { file, first: now.tokens }
    await load({ url: nginx.url('gate'), show, seconds: LOOK_EVERY })
    const { tokens } = now
    now = await nginx.zones()
    update(`${now.tokens} of ${file.count}`)
    if (now.tokens <= tokens) throw new Error(`The memo does not take more than ${tokens} tokens.`)
  }
  return (before.free - now.free) / (now.tokens - before.tokens)
}
