import type { Account } from '../stack/description.ts'
import { callAndConfirm } from './people.ts'
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
  const model = 'res.users.apikeys.description'
  const shown = (await callAndConfirm(odoo, account.password, model, 'make_key', [
    wizard ?? 0,
  ])) as { context: { default_key: string } }
  return shown.context.default_key
}
