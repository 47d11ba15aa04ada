/** A second Odoo, of somebody else, that has nothing of this repository. */
import { dirname, join } from 'node:path'
import { openOdooData } from '../stack/odoo-data.ts'
import { runOdoo, startOdoo, type Odoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { installPython } from '../stack/install-python.ts'
import type { Progress } from '../stack/progress.ts'
import { odooSession, type OdooSession } from './odoo-session.ts'

export interface AnotherOdoo {
  /** Of its pages: another host than the stack's, as cookies know no ports. */
  url: string
  /** Its administrator's. */
  admin: OdooSession
  /**
   * Imports one record, as people do.
   * @param model technical name
   * @param labels of the columns, as its forms have them
   * @throws Error with what Odoo finds wrong
   */
  fillIn(model: string, labels: string[], values: string[]): Promise<void>
  stop(): Promise<void>
}

const REQUIREMENTS = join(import.meta.dirname, '../clients/odoo/requirements.txt')

const installPackages = (): Promise<string> => installPython('auth-oidc', REQUIREMENTS)

/** Fetches what it has beside Odoo, so that no test has to wait for it. */
export async function installAnotherOdoo(progress: Progress): Promise<void> {
  await progress.step('OpenID Connect for another Odoo', installPackages)
}

/** Starts one with Odoo's own `auth_oauth` and OCA's `auth_oidc`. */
export async function startAnotherOdoo(): Promise<AnotherOdoo> {
  const packages = await installPackages()
  const data = await openOdooData('another-odoo', { addon: false })
  let odoo: Odoo | undefined
  const stop = async (): Promise<void> => {
    await odoo?.part.stop()
    await data.release()
  }
  try {
    const options = { ...data.options, packages }
    await runOdoo(options, ['--init', 'auth_oidc', '--stop-after-init', '--no-http'])
    odoo = await startOdoo({ ...options, logFile: join(dirname(options.folder), 'odoo.log') })
    const url = `http://127.0.0.1:${odoo.port}`
    const account = { login: 'admin', password: 'admin' }
    const admin = await odooSession(account, { url, database: ODOO_DATABASE })
    return { url, admin, fillIn: (...form) => fillIn(admin, ...form), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @throws Error with what Odoo finds wrong */
async function fillIn(
  admin: OdooSession,
  model: string,
  labels: string[],
  values: string[],
): Promise<void> {
  const fields = (await admin.call(model, 'fields_get', [[], ['string']])) as Record<
    string,
    { string: string }
  >
  const names = labels.map((label) => {
    if (label === 'External ID') return 'id'
    const found = Object.entries(fields).find(([, { string }]) => string === label)
    if (!found) throw new Error(`${model} has no field "${label}".`)
    return found[0]
  })
  const { ids, messages } = (await admin.call(model, 'load', [names, [values]])) as {
    ids: number[] | false
    messages: object[]
  }
  if (!ids) throw new Error(JSON.stringify(messages).slice(0, 500))
}
