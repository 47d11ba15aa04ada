/** Debian's Chromium from the stable root, as a program that Playwright can start. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STACK_DIR } from './paths.ts'
import { inRoot } from './roots.ts'

const FLAGS = [
  // The browser's own sandbox wants another user than root; the root file system is the fence here.
  '--no-sandbox',
  // Nothing but the page under test goes anywhere.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
]

const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`

/**
 * Writes the program and returns its path. It shares /tmp with the machine, where Playwright keeps
 * the browser's profile, and passes on all open files: Playwright talks through 3 and 4.
 */
export function chromiumProgram(): string {
  const folder = join(STACK_DIR, 'bin')
  const file = join(folder, 'chromium')
  const home = ['env', 'HOME=/mnt']
  const command = inRoot('stable', [...home, 'chromium', ...FLAGS], { binds: { '/tmp': '/tmp' } })
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `#!/bin/sh\nexec ${command.map(quote).join(' ')} "$@"\n`, { mode: 0o755 })
  return file
}
