/** docs/gate.md, for the tests that it is true. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/gate.md'), 'utf8')

/**
 * Lines of nginx's configuration that the page shows.
 * @param begin of the first of them
 */
export function nginxBlock(begin: string): string {
  const block = PAGE.split('```nginx\n').find((candidate) => candidate.startsWith(begin))
  if (block === undefined) throw new Error(`docs/gate.md has no block that begins with ${begin}`)
  return block.slice(0, block.indexOf('```'))
}
