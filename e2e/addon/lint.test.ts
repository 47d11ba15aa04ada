/** The addons keep to what OCA asks of an addon, as far as pylint-odoo can see. */
import { join } from 'node:path'
import t from 'tap'
import { installPython } from '../stack/install-python.ts'
import { ADDONS_FOLDER } from '../stack/parts/odoo.ts'
import { run } from '../stack/process.ts'
import { ADDONS } from './readme.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')

/** @throws StackError with what pylint-odoo finds fault with */
async function lint(addon: string): Promise<void> {
  const rcfile = join(import.meta.dirname, 'pylintrc')
  await run(['python3', '-m', 'pylint', `--rcfile=${rcfile}`, addon], {
    name: `pylint ${addon}`,
    cwd: ADDONS_FOLDER,
    env: {
      ...process.env,
      PYTHONPATH: await installPython('pylint', REQUIREMENTS),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  })
}

for (const addon of ADDONS) {
  await t.test(`pylint-odoo finds nothing in ${addon}`, async (t) => {
    await t.resolves(lint(addon))
  })
}
