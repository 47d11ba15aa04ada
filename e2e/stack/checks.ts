/** What must hold before anything is started; each fault is one sentence with what to do. */
import { existsSync } from 'node:fs'
import { access, constants, mkdir, stat, statfs } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { StackError } from './error.ts'
import { baoProgram } from './install-openbao.ts'
import { contained, run } from './process.ts'
import { REPOSITORY, STACK_DIR } from './paths.ts'
import { hasIPv6Loopback, portProblem } from './ports.ts'
import { rootIsBuilt } from './roots.ts'

const PACKAGES: Record<string, string> = {
  unshare: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  'apt-get': 'apt',
  dpkg: 'dpkg',
  perl: 'perl',
  python3: 'python3',
  npm: 'npm',
}

async function isOnPath(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

/**
 * Whether a program is there.
 * @param name of Debian's package that holds it
 */
export async function checkProgram(program: string, name: string): Promise<void> {
  if (await isOnPath(program)) return
  throw new StackError(
    `The program ${program} is missing; install it with: apt-get install ${name}`,
  )
}

/** Every part runs as a user of its own and reads its sources in this checkout. */
async function checkReadable(): Promise<void> {
  const OTHERS_READ = 0o004
  for (const path of ['node_modules', 'bridge/src/server.ts', 'odoo-addon/auth_drawbridge']) {
    const { mode } = await stat(join(REPOSITORY, path))
    if ((mode & OTHERS_READ) !== 0) continue
    throw new StackError(
      `Other users cannot read ${path}, which the parts run as; run: chmod -R o+rX ${REPOSITORY}`,
    )
  }
}

const GIGABYTE = 1024 ** 3

/** Whether this process may do what a stack takes, and has the programs for it. */
export async function checkMachine(): Promise<void> {
  if (process.platform !== 'linux') {
    throw new StackError('This runs on Linux only; elsewhere use: docker compose up')
  }
  if (process.getuid?.() !== 0) {
    throw new StackError(
      'Root is needed to give each part a file system and a user of its own; run this as root, for instance with sudo.',
    )
  }
  for (const [program, name] of Object.entries(PACKAGES)) await checkProgram(program, name)
  await checkReadable()
  await run(contained(['true']), { name: 'unshare' }).catch((error: unknown) => {
    const details = error instanceof StackError ? error.details : []
    throw new StackError(
      'Namespaces may not be made here (unshare --mount --pid); in a container, start it with the capability SYS_ADMIN.',
      details,
    )
  })
}

/** Whether the disk has room: for the first build, or for what a run writes. */
export async function checkDisk(): Promise<void> {
  await mkdir(STACK_DIR, { recursive: true })
  const { bavail, bsize } = await statfs(STACK_DIR)
  const free = (bavail * bsize) / GIGABYTE
  const needed = rootIsBuilt('stack') ? 0.5 : 6
  if (free >= needed) return
  throw new StackError(
    `The disk of ${STACK_DIR} has ${free.toFixed(1)} GB free and ${needed} GB are needed; make room, or set DRAWBRIDGE_STACK_DIR to a folder on another disk.`,
  )
}

/** Whether a port can be listened on, on both loopback addresses. */
export async function checkPort(port: number, variable: string): Promise<void> {
  const hosts = (await hasIPv6Loopback()) ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  for (const host of hosts) {
    const problem = await portProblem(port, host)
    if (problem === undefined) continue
    throw new StackError(
      problem === 'EADDRINUSE'
        ? `Port ${port} is taken; stop what listens there (ss -ltnp), or choose another: ${variable}=${port + 1} npm start`
        : `Port ${port} cannot be used (${problem}); choose another: ${variable}=${port + 1} npm start`,
    )
  }
}

/** Whether pip is there, where OpenBao is yet to be fetched with it. */
export async function checkPip(): Promise<void> {
  if (existsSync(await baoProgram())) return
  await run(['python3', '-m', 'pip', '--version']).catch(() => {
    throw new StackError('Python has no pip; install it with: apt-get install python3-pip')
  })
}
