/** Compiles the client programs in Go and Java, each into a folder that its sources name. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../stack/builds.ts'
import { checkProgram } from '../stack/checks.ts'
import { withLock } from '../stack/lock.ts'
import { STACK_DIR } from '../stack/paths.ts'
import { run } from '../stack/process.ts'

/**
 * Has a folder of sources compiled, unless that was done.
 * @param name of the folder below this one
 * @returns the folder with what it was compiled to
 * @throws StackError with what the compiler says
 */
async function compile(name: string, command: (output: string) => string[]): Promise<string> {
  const sources = join(import.meta.dirname, name)
  const folder = join(STACK_DIR, `client-${name}-${await digestOf(sources)}`)
  if (existsSync(folder)) return folder
  await withLock(join(STACK_DIR, 'locks', `client-${name}`), async () => {
    if (existsSync(folder)) return
    const unfinished = `${folder}.tmp`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    await run(command(unfinished), { name: `the build of e2e/clients/${name}`, cwd: sources })
    await rename(unfinished, folder)
  })
  return folder
}

/** @returns the program @throws StackError, without Go too */
export async function compileGo(): Promise<string> {
  await checkProgram('go', 'golang-go')
  const folder = await compile('go', (output) => ['go', 'build', '-o', join(output, 'client'), '.'])
  return join(folder, 'client')
}

/** @returns where Java finds the classes @throws StackError, without Java or Maven too */
export async function compileJava(): Promise<string> {
  await checkProgram('javac', 'default-jdk-headless')
  await checkProgram('mvn', 'maven')
  const folder = await compile('java', (output) => [
    ...['mvn', '--quiet', '--batch-mode', 'compile', 'dependency:copy-dependencies'],
    `-DoutputFolder=${output}`,
  ])
  return `${join(folder, 'classes')}:${join(folder, 'jars')}/*`
}
