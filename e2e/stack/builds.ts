/** Builds what is served or loaded in built form: the gate and the PWA. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './lock.ts'
import { contained, run } from './process.ts'
import { REPOSITORY, STACK_DIR } from './paths.ts'

const NOT_SOURCES = new Set(['dist', 'node_modules', 'test', 'bench', '.tap', '__pycache__'])

/**
 * A digest of all sources below a folder, by name and content.
 * @param leaveOut names of files and folders that do not count
 */
export async function digestOf(folder: string, leaveOut = NOT_SOURCES): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !file.split('/').some((name) => leaveOut.has(name)))
    .sort()
  const digest = createHash('sha256')
  for (const file of files) {
    digest.update(`${file}\0`).update(await readFile(join(folder, file)))
  }
  return digest.digest('hex').slice(0, 16)
}

/** Builds a workspace, unless nothing changed since it was built last. */
export async function build(workspace: 'nginx-njs' | 'pwa'): Promise<void> {
  // What is built lies in the checkout, and several of them may share one folder of stacks.
  const checkout = createHash('sha256').update(REPOSITORY).digest('hex').slice(0, 8)
  const stamp = join(STACK_DIR, 'builds', `${workspace}-${checkout}`)
  await withLock(join(STACK_DIR, 'locks', `build-${workspace}`), async () => {
    const lock = await readFile(join(REPOSITORY, 'package-lock.json'))
    // The contract is compiled into both.
    const sources = [workspace, 'bridge/src/contract'].map((path) => join(REPOSITORY, path))
    const digest = createHash('sha256')
      .update(lock)
      .update((await Promise.all(sources.map((path) => digestOf(path)))).join())
      .digest('hex')
    const built = await readFile(stamp, 'utf8').catch(() => '')
    if (built === digest && existsSync(join(REPOSITORY, workspace, 'dist'))) return
    await run(contained(['npm', 'run', 'build', '-w', workspace]), {
      cwd: REPOSITORY,
      name: `npm run build -w ${workspace}`,
    })
    await mkdir(join(STACK_DIR, 'builds'), { recursive: true })
    await writeFile(stamp, digest)
  })
}
