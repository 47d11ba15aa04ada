/** Programs of a root, as files that other programs can start by their path. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STACK_DIR } from './paths.ts'
import { inRoot, type RootName } from './roots.ts'

const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`

/**
 * Writes a file that runs `command` inside a root, with whatever arguments it is given itself. What
 * runs shares /tmp with the machine and has its home in memory; open files are passed on.
 * @param name of the file
 * @returns its path
 */
export function writeProgram(name: string, root: RootName, command: string[]): string {
  const folder = join(STACK_DIR, 'bin')
  const file = join(folder, name)
  const inside = inRoot(root, ['env', 'HOME=/mnt', ...command], { binds: { '/tmp': '/tmp' } })
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `#!/bin/sh\nexec ${inside.map(quote).join(' ')} "$@"\n`, { mode: 0o755 })
  return file
}
