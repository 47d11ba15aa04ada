/** Folders of test runs, which nobody else uses and which never pile up. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { takeLock } from './lock.ts'
import { STACK_DIR } from './paths.ts'

const RUNS = join(STACK_DIR, 'runs')
const lockFile = (name: string): string => join(STACK_DIR, 'locks', `run-${name}`)

export interface RunFolder {
  path: string
  /** Removes it. */
  release(): Promise<void>
}

/** Makes an empty folder, and removes those whose run was killed. */
export async function takeRunFolder(purpose: string): Promise<RunFolder> {
  const name = `${purpose}-${process.pid}`
  const path = join(RUNS, name)
  await mkdir(RUNS, { recursive: true, mode: 0o700 })
  for (const other of await readdir(RUNS)) {
    const abandoned = await takeLock(lockFile(other), false)
    if (abandoned === undefined) continue
    await rm(join(RUNS, other), { recursive: true, force: true })
    await abandoned.release()
    await rm(lockFile(other), { force: true })
  }
  // Locked before it exists, so that no other run takes it for an abandoned one.
  const lock = await takeLock(lockFile(name))
  await mkdir(path, { mode: 0o700 })
  return {
    path,
    async release() {
      await rm(path, { recursive: true, force: true })
      await lock?.release()
      await rm(lockFile(name), { force: true })
    },
  }
}
