/** Where this machine gets Debian from. */
import { StackError } from './error.ts'
import { run } from './process.ts'

/** What apt says about one list of packages. */
interface Target {
  site: string
  release: string
  component: string
}

const FORMAT = '$(SITE) $(RELEASE) $(COMPONENT)'
const SUITES =
  /^(?:buster|bullseye|bookworm|trixie|forky|duke|sid|(?:old)*stable|testing|unstable)$/

/** Reads what `apt-get indextargets` printed in our format: one target a line. */
function parseTargets(printed: string): Target[] {
  return printed.split('\n').flatMap((line) => {
    const [site, release, component] = line.split(' ')
    return site && release && component ? [{ site, release, component }] : []
  })
}

/**
 * The address of the Debian mirror among apt's sources. Other vendors name their suites after
 * Debian's too, so a site that also has Debian's updates is preferred, then the first.
 * @param printed of `apt-get indextargets`, see {@link FORMAT}
 * @returns undefined when there is none
 */
export function findMirror(printed: string): string | undefined {
  const targets = parseTargets(printed).filter(({ component }) => component === 'main')
  const candidates = targets.filter(({ release }) => SUITES.test(release))
  const withUpdates = candidates.find(({ site, release }) =>
    targets.some((other) => other.site === site && other.release === `${release}-updates`),
  )
  return (withUpdates ?? candidates[0])?.site
}

/**
 * The Debian mirror of this machine, from its own apt sources (of either format).
 * @throws StackError when apt knows none
 */
export async function debianMirror(): Promise<string> {
  const mirror = findMirror(
    await run(['apt-get', 'indextargets', '--format', FORMAT, 'Created-By: Packages'], {
      name: 'apt-get indextargets',
    }),
  )
  if (mirror === undefined) {
    throw new StackError(
      'No Debian mirror is among the sources of apt; add one to /etc/apt/sources.list.d, such as the one that your installation came from.',
    )
  }
  return mirror
}
