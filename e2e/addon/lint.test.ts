/** The addons keep to what OCA asks of an addon, as far as pylint-odoo can see. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { withLock } from '../stack/lock.ts'
import { ADDONS_FOLDER } from '../stack/parts/odoo.ts'
import { STACK_DIR } from '../stack/paths.ts'
import { run } from '../stack/process.ts'
import { ADDONS } from './readme.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')

/** Fetches pylint-odoo unless it is there. @returns the folder that Python finds it in */
async function installPylint(): Promise<string> {
  const digest = createHash('sha256').update(await readFile(REQUIREMENTS))
  const folder = join(STACK_DIR, `pylint-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  await withLock(join(STACK_DIR, 'locks', 'pylint'), async () => {
    if (existsSync(folder)) return
    const unfinished = `${folder}.tmp`
    await rm(unfinished, { recursive: true, force: true })
    const pip = ['python3', '-m', 'pip', 'install', '--no-deps', '--require-hashes']
    await run([...pip, '--target', unfinished, '--requirement', REQUIREMENTS], {
      name: 'pip install pylint-odoo',
    })
    await rename(unfinished, folder)
  })
  return folder
}

/** @throws StackError with what pylint-odoo finds fault with */
async function lint(addon: string): Promise<void> {
  const rcfile = join(import.meta.dirname, 'pylintrc')
  await run(['python3', '-m', 'pylint', `--rcfile=${rcfile}`, addon], {
    name: `pylint ${addon}`,
    cwd: ADDONS_FOLDER,
    env: { ...process.env, PYTHONPATH: await installPylint(), PYTHONDONTWRITEBYTECODE: '1' },
  })
}

for (const addon of ADDONS) {
  await t.test(`pylint-odoo finds nothing in ${addon}`, async (t) => {
    await t.resolves(lint(addon))
  })
}
