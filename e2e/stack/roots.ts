/**
 * Debian root file systems that hold the real programs. Each is built once by mmdebstrap into
 * `.stack/roots/` and used through a mount namespace of its own, so that nothing is installed on
 * the machine itself and nothing stays mounted.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { STACK_DIR } from './paths.ts'
import { contained } from './process.ts'

interface Recipe {
  suites: string[]
  packages: string[]
  /** Preferences for apt: which packages may come from another suite than the first. */
  preferences?: string
}

const RECIPES = {
  /** Odoo 19, PostgreSQL 17, nginx 1.30 with njs 1.0 (QuickJS). */
  stack: {
    suites: ['trixie', 'sid'],
    packages: [
      'ca-certificates',
      'nginx',
      'libnginx-mod-http-js',
      'libnginx-mod-http-auth-jwt',
      'njs',
      'odoo-19',
      'postgresql',
      'python3-jwt',
      'wrk',
    ],
    preferences: [
      'Package: odoo-19 nginx nginx-common libnginx-mod-http-js libnginx-mod-http-auth-jwt njs libpcre2-8-0',
      'Pin: release n=sid',
      'Pin-Priority: 990',
      '',
      'Package: *',
      'Pin: release n=sid',
      'Pin-Priority: 100',
      '',
    ].join('\n'),
  },
  /** Debian 13's own nginx 1.26 with njs 0.8 (the old engine), and the browser for the tests. */
  stable: {
    suites: ['trixie'],
    packages: [
      'ca-certificates',
      'nginx',
      'libnginx-mod-http-js',
      'njs',
      'chromium',
      'fonts-dejavu-core',
    ],
  },
  /** Firefox as it is now: what Playwright speaks with it, the one with extended support lacks. */
  firefox: {
    suites: ['sid'],
    packages: ['firefox', 'fonts-dejavu-core'],
  },
  /** WebKitGTK with its WebDriver, which is Safari's engine, and a display that nobody looks at. */
  webkit: {
    suites: ['trixie'],
    packages: ['webkitgtk-webdriver', 'xvfb', 'fonts-dejavu-core'],
  },
} satisfies Record<string, Recipe>

export type RootName = keyof typeof RECIPES

/** The recipe that a root is built from. */
export const recipe = (name: RootName): Recipe => RECIPES[name]

/** Where a root lies, whether it was built or not. A changed recipe is another folder. */
export function rootPath(name: RootName): string {
  const digest = createHash('sha256').update(JSON.stringify(RECIPES[name])).digest('hex')
  return join(STACK_DIR, 'roots', `${name}-${digest.slice(0, 12)}`)
}

/** Whether a root was built to its end. */
export const rootIsBuilt = (name: RootName): boolean =>
  existsSync(join(rootPath(name), 'etc/drawbridge-complete'))

/** A user of a root, by number. */
export interface RootUser {
  uid: number
  gid: number
}

/**
 * Looks a user up in a root's own list.
 * @throws Error when the root has no such user
 */
export function userOf(name: RootName, user: string): RootUser {
  const line = readFileSync(join(rootPath(name), 'etc/passwd'), 'utf8')
    .split('\n')
    .map((entry) => entry.split(':'))
    .find(([login]) => login === user)
  if (line === undefined) throw new Error(`The root ${name} has no user ${user}`)
  return { uid: Number(line[2]), gid: Number(line[3]) }
}

export interface InRootOptions {
  /** Folders of the machine to show inside, by their path inside: below `/mnt`, or one that exists there. */
  binds?: Record<string, string>
  /** The same, but nothing inside can write to them. */
  readOnlyBinds?: Record<string, string>
  /** A user of the root by name, or any by number. */
  user?: string | RootUser
}

// setpriv comes last, inside: a change of user clears the wish to die with the parent, so it has
// to be made after that change.
const ENTER = `
root=$1; uid=$2; gid=$3; binds=$4; shift 4
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/mnt"
while [ "$binds" -gt 0 ]; do
  mkdir -p "$root$3"
  mount --bind -o "$1" "$2" "$root$3"
  shift 3; binds=$((binds - 1))
done
exec chroot "$root" setpriv --reuid="$uid" --regid="$gid" --clear-groups --pdeathsig KILL -- "$@"
`

/**
 * The command line that runs `command` inside a root, in mount and process namespaces of its own.
 * When the process that started it dies, even by SIGKILL, all of it dies with it and every mount
 * is gone.
 * @throws Error when the root has no such user
 */
export function inRoot(name: RootName, command: string[], options: InRootOptions = {}): string[] {
  const user =
    typeof options.user === 'string' ? userOf(name, options.user) : (options.user ?? ROOT_USER)
  const binds = [
    ...Object.entries(options.binds ?? {}).map((bind) => ['rw', ...bind] as const),
    ...Object.entries(options.readOnlyBinds ?? {}).map((bind) => ['ro', ...bind] as const),
  ]
  return contained([
    ...['sh', '-ec', ENTER, 'sh', rootPath(name)],
    ...[user.uid, user.gid, binds.length].map(String),
    ...binds.flatMap(([mode, inside, outside]) => [mode, outside, inside]),
    ...command,
  ])
}

const ROOT_USER: RootUser = { uid: 0, gid: 0 }
