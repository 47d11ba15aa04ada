/** The frame of a command that measures: it ends with everything given back, however it ends. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { explain } from '../stack/error.ts'
import { aborted, stopRequested } from '../stack/signals.ts'

/** What a command has to give back when it ends, the last first. */
export type Undo = (() => Promise<void>)[]

/**
 * Does the work and ends the process: with exit code 0, or 1 if the work threw or was stopped.
 * @param work told where to note what has to be given back
 */
export async function runCommand(work: (undo: Undo) => Promise<void>): Promise<never> {
  const undo: Undo = []
  const stopped = stopRequested()
  try {
    try {
      await Promise.race([work(undo), aborted(stopped)])
      stopped.throwIfAborted()
    } finally {
      for (const each of undo.toReversed()) await each()
    }
  } catch (error) {
    console.error(`\n${explain(error)}`)
    process.exit(1)
  }
  process.exit(0)
}

/**
 * Writes a report.
 * @param file relative to where the command was called: npm runs it in the root of the checkout
 */
export const writeReport = (file: string, report: object): Promise<void> =>
  writeFile(
    resolve(process.env['INIT_CWD'] ?? '.', file),
    `${JSON.stringify(report, undefined, 2)}\n`,
  )
