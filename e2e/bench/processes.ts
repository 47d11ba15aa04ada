/** What processes use of the machine, as /proc tells. */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** The fields of a process from the third (its state) on. @see proc_pid_stat(5) */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

/** A process and all below it. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (Number.isInteger(pid)) parents.set(pid, Number(statOf(pid)?.[1]))
  }
  const tree = [root]
  for (const parent of tree) {
    for (const [pid, ppid] of parents) if (ppid === parent) tree.push(pid)
  }
  return tree
}

/** Seconds of CPU that processes have used, with those of their children that ended. */
export const cpuSeconds = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const ticks = (statOf(pid) ?? []).slice(11, 15).map(Number)
    return sum + ticks.reduce((all, each) => all + each, 0) / TICKS_PER_SECOND
  }, 0)

/** Megabytes of memory; what several of them share counts once. @see proc_pid_smaps_rollup(5) */
export const memoryMegabytes = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      return sum + Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) / 1024
    } catch {
      return sum
    }
  }, 0)
