/** Fetches what tests need from PyPI. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './lock.ts'
import { STACK_DIR } from './paths.ts'
import { run } from './process.ts'

/**
 * Fetches packages unless they are there.
 * @param name of the folder
 * @param requirements file that names all of them, with hashes; a changed one is another folder
 * @returns the folder that Python finds them in
 * @throws StackError with what pip says
 */
export async function installPython(name: string, requirements: string): Promise<string> {
  const digest = createHash('sha256').update(await readFile(requirements))
  const folder = join(STACK_DIR, `${name}-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  await withLock(join(STACK_DIR, 'locks', name), async () => {
    if (existsSync(folder)) return
    const unfinished = `${folder}.tmp`
    await rm(unfinished, { recursive: true, force: true })
    const pip = ['python3', '-m', 'pip', 'install', '--no-deps', '--require-hashes']
    await run([...pip, '--target', unfinished, '--requirement', requirements], {
      name: `pip install ${name}`,
    })
    await rename(unfinished, folder)
  })
  return folder
}
