/** A second Odoo, of somebody else, that has nothing of this repository. */
import { dirname, join } from 'node:path'
import { openOdooData } from '../stack/odoo-data.ts'
import { runOdoo, startOdoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { installPython } from '../stack/install-python.ts'
import type { Progress } from '../stack/progress.ts'
import { odooSession, type OdooSession } from './odoo-session.ts'

/** A provider to sign in at, as Odoo keeps it. @see odoo/addons/auth_oauth/models/auth_oauth.py */
export type OAuthProvider = Record<string, string | boolean>

export interface AnotherOdoo {
  /** Of its pages: another host than the stack's, as cookies know no ports. */
  url: string
  /** Its administrator's. */
  admin: OdooSession
  /** Adds a provider to its sign-in page. @returns the id of its record */
  addProvider(provider: OAuthProvider): Promise<number>
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
  try {
    const options = { ...data.options, packages }
    await runOdoo(options, ['--init', 'auth_oidc', '--stop-after-init', '--no-http'])
    const logFile = join(dirname(options.folder), 'odoo.log')
    const odoo = await startOdoo({ ...options, logFile })
    const url = `http://127.0.0.1:${odoo.port}`
    const admin = await odooSession(
      { login: 'admin', password: 'admin' },
      { url, database: ODOO_DATABASE },
    )
    return {
      url,
      admin,
      async addProvider(provider) {
        const [id] = (await admin.call('auth.oauth.provider', 'create', [[provider]])) as number[]
        if (id === undefined) throw new Error('Odoo made no provider.')
        return id
      },
      async stop() {
        await odoo.part.stop()
        await data.release()
      },
    }
  } catch (error) {
    await data.release()
    throw error
  }
}
