/** Builds the Debian root file systems with mmdebstrap, which itself is not installed either. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianMirror } from './debian.ts'
import { withLock } from './lock.ts'
import { contained, run } from './process.ts'
import { STACK_DIR } from './paths.ts'
import { recipe, rootIsBuilt, rootPath, type RootName } from './roots.ts'

const TOOLS = join(STACK_DIR, 'tools')
const MMDEBSTRAP = join(TOOLS, 'usr/bin/mmdebstrap')

/** Fetches mmdebstrap and unpacks it into our own folder. */
async function fetchMmdebstrap(): Promise<void> {
  if (existsSync(MMDEBSTRAP)) return
  const download = await mkdtemp(join(tmpdir(), 'drawbridge-mmdebstrap-'))
  try {
    const get = (options: string[]): Promise<string> =>
      run(['apt-get', ...options, 'download', 'mmdebstrap'], {
        cwd: download,
        name: 'apt-get download mmdebstrap',
      })
    await get([]).catch(async () => {
      // The machine's lists are absent or too old. Ours, so that its own stay as they are.
      const lists = join(download, 'lists')
      await mkdir(join(lists, 'partial'), { recursive: true })
      const own = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${download}`]
      await run(['apt-get', ...own, 'update'], { name: 'apt-get update' })
      return get(own)
    })
    const deb = (await readdir(download)).find((file) => file.endsWith('.deb'))
    await mkdir(TOOLS, { recursive: true })
    await run(['dpkg', '-x', join(download, deb ?? ''), TOOLS], { name: 'dpkg -x mmdebstrap' })
  } finally {
    await rm(download, { recursive: true, force: true })
  }
}

/** What mmdebstrap says on its way, in its order. */
const STAGES = [
  'running apt-get update',
  'downloading packages',
  'extracting archives',
  'installing essential packages',
  'installing remaining packages',
  'cleaning package lists',
]

/**
 * Builds a root unless it is there. An interrupted build is begun anew; two at a time wait for
 * each other.
 * @param onProgress told what is being done
 * @throws StackError when a package cannot be had
 */
export async function buildRoot(name: RootName, onProgress: (text: string) => void): Promise<void> {
  if (rootIsBuilt(name)) return
  const build = async (): Promise<void> => {
    if (rootIsBuilt(name)) return
    onProgress('getting mmdebstrap')
    await withLock(join(STACK_DIR, 'locks', 'mmdebstrap'), fetchMmdebstrap)
    await bootstrap(name, onProgress)
  }
  await withLock(join(STACK_DIR, 'locks', `root-${name}`), build, () => {
    onProgress('waiting for another command that builds it')
  })
}

async function bootstrap(name: RootName, onProgress: (text: string) => void): Promise<void> {
  const target = rootPath(name)
  const unfinished = `${target}.tmp`
  const preferencesFile = `${target}.preferences`
  const { suites, packages, preferences } = recipe(name)
  const mirror = await debianMirror()
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  await writeFile(preferencesFile, preferences ?? '')
  await run(
    contained([
      ...['perl', MMDEBSTRAP, '--mode=root', '--variant=apt'],
      // A mirror that stands still is past the date on its lists; their signature is checked as ever.
      ...[
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
      ],
      '--setup-hook=mkdir -p "$1/etc/apt/preferences.d"',
      '--setup-hook=cp "$PREFERENCES" "$1/etc/apt/preferences.d/drawbridge"',
      ...[`--include=${packages.join(',')}`, suites[0] ?? '', unfinished],
      ...suites.map((suite) => `deb ${mirror} ${suite} main`),
    ]),
    {
      name: `mmdebstrap (root ${name})`,
      env: { ...process.env, PREFERENCES: preferencesFile },
      onLine(line) {
        const stage = STAGES.findIndex((text) => line.includes(text))
        if (stage >= 0) onProgress(`${stage + 1}/${STAGES.length} ${STAGES[stage] ?? ''}`)
      },
    },
  )
  await writeFile(join(unfinished, 'etc/drawbridge-complete'), '')
  await rm(preferencesFile)
  await rename(unfinished, target)
}
