/** Debian's Chromium from the stable root, as a program that Playwright can start. */
import { writeProgram } from './program.ts'

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

/**
 * Writes the program and returns its path. Playwright keeps the browser's profile in /tmp, and
 * talks to it through the open files 3 and 4.
 */
export const chromiumProgram = (): string =>
  writeProgram('chromium', 'stable', ['chromium', ...FLAGS])
