/** Which process runs on which core: nginx's worker has the first to itself, all else the others. */
import { cpus } from 'node:os'
import { run } from '../../e2e/stack/process.ts'

/** By number. */
export const ALL_CORES: readonly number[] = cpus().map((_, core) => core)

/** Of what is measured. */
export const WORKER_CORES = ALL_CORES.slice(0, 1)

/** Of everything else; on a machine with one core there is no other. */
export const OTHER_CORES = ALL_CORES.length > 1 ? ALL_CORES.slice(1) : ALL_CORES

/** Keeps a running process, and what it starts from now on, on these cores. */
export async function pin(pid: number, cores: readonly number[]): Promise<void> {
  await run(['taskset', '--all-tasks', '--cpu-list', '--pid', cores.join(','), String(pid)])
}

/** The command line that runs `command` on these cores. */
export const pinned = (cores: readonly number[], command: readonly string[]): string[] => [
  ...['taskset', '--cpu-list', cores.join(',')],
  ...command,
]
