/**
 * `npm run i18n:addon`: has Odoo export the addon's terms, and brings the template and all
 * translations to these terms. What is new is left empty in the translations, for people to fill.
 */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { explain } from '../stack/error.ts'
import { installStack } from '../stack/install.ts'
import { withOdooData } from '../stack/odoo-data.ts'
import { ADDON, ADDONS_FOLDER, runOdoo } from '../stack/parts/odoo.ts'
import { showProgress } from '../stack/progress.ts'

const LANGUAGES = ['de', 'es', 'fr']

try {
  await installStack(showProgress(process.stderr))
  await withOdooData('i18n', async (options) => {
    await runOdoo(options, ['shell', '--no-http', '--log-level=warn'], {
      input: [
        `MODULE = ${JSON.stringify(ADDON)}`,
        `LANGUAGES = ${JSON.stringify(LANGUAGES)}`,
        readFileSync(join(import.meta.dirname, 'i18n.py'), 'utf8'),
      ].join('\n'),
    })
    cpSync(join(options.folder, 'i18n'), join(ADDONS_FOLDER, ADDON, 'i18n'), { recursive: true })
  })
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
