/** Makes everything that a stack is started from, what is independent side by side. */
import { buildRoot } from './build-root.ts'
import { build } from './builds.ts'
import { installOpenBao } from './install-openbao.ts'
import { prepareOdoo } from './prepared.ts'
import type { Progress } from './progress.ts'
import { rootIsBuilt, type RootName } from './roots.ts'

const TITLES: Record<RootName, string> = {
  stack: 'Debian with Odoo 19, PostgreSQL and nginx, about 80 s',
  stable: 'Debian with its own nginx and Chromium, about 30 s',
  firefox: 'Debian with Firefox, about 30 s',
  webkit: 'Debian with WebKitGTK, about 40 s',
}

/** Builds a root and shows it, unless it is there. */
export async function ensureRoot(name: RootName, progress: Progress): Promise<void> {
  if (rootIsBuilt(name)) return
  await progress.step(TITLES[name], (update) => buildRoot(name, update))
}

/** Builds gate and PWA where their sources changed. */
export async function ensureBuilds(progress: Progress): Promise<void> {
  await progress.step('gate and PWA', () => Promise.all([build('nginx-njs'), build('pwa')]))
}

/**
 * Makes what `npm start` needs.
 * @throws the first failure; what the others finished is kept for the next time
 */
export async function installStack(progress: Progress): Promise<void> {
  const odoo = async (): Promise<void> => {
    await ensureRoot('stack', progress)
    await progress.step('Odoo database with demo data', prepareOdoo)
  }
  await Promise.all([odoo(), progress.step('OpenBao', installOpenBao), ensureBuilds(progress)])
}
