import type { Account } from '../stack/description.ts'
import { odooSession, type OdooSession } from './odoo-session.ts'

/**
 * Makes an API key the way the preferences of Odoo do it: name it, prove the password, read it once.
 * @param session of that account; a new one at the stack's Odoo when left out
 * @see odoo/addons/base/models/res_users.py, res.users.apikeys.description
 */
export async function createApiKey(account: Account, session?: OdooSession): Promise<string> {
  const odoo = session ?? (await odooSession(account))
  const values = { name: 'beside the tokens', duration: '1' }
  const [wizard] = (await odoo.call('res.users.apikeys.description', 'create', [
    [values],
  ])) as number[]
  const check = (await odoo.call('res.users.apikeys.description', 'make_key', [[wizard]])) as {
    res_id: number
  }
  const shown = (await odoo.call('res.users.identitycheck', 'run_check', [[check.res_id]], {
    password: account.password,
  })) as { context: { default_key: string } }
  return shown.context.default_key
}
