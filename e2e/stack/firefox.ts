/** Debian's Firefox from a root of its own, as a program that Playwright can start. */
import { writeProgram } from './program.ts'

/** Writes the program and returns its path. Playwright keeps the browser's profile in /tmp. */
export const firefoxProgram = (): string => writeProgram('firefox', 'firefox', ['firefox'])
