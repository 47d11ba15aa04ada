/** People at a real Odoo, made for one test, and what happens to them there. */
import { randomUUID } from 'node:crypto'
import type { Account } from '../stack/description.ts'
import type { OdooSession } from './odoo-session.ts'

/** Somebody who has just been made. */
export interface Person extends Account {
  uid: number
  email: string
}

/** What an external id such as `base.group_user` stands for. @throws Error when there is none */
export async function recordOf(admin: OdooSession, externalId: string): Promise<number> {
  const [module, name] = externalId.split('.')
  const domain = [
    ['module', '=', module],
    ['name', '=', name],
  ]
  const [data] = (await admin.call('ir.model.data', 'search_read', [domain, ['res_id']])) as {
    res_id: number
  }[]
  if (data === undefined) throw new Error(`Odoo has no ${externalId}.`)
  return data.res_id
}

/**
 * Makes somebody.
 * @param group external id
 */
export async function makePerson(admin: OdooSession, group = 'base.group_user'): Promise<Person> {
  const login = `person-${randomUUID()}`
  const password = randomUUID()
  const email = `${login}@example.com`
  const group_ids = [[6, 0, [await recordOf(admin, group)]]]
  const [uid] = (await admin.call('res.users', 'create', [
    [{ name: login, login, password, email, group_ids }],
  ])) as number[]
  if (uid === undefined) throw new Error('Odoo made nobody.')
  return { uid, login, password, email }
}

/**
 * Calls what Odoo asks for the password before, and answers that question.
 * @param odoo the session of whoever calls
 * @param password theirs
 * @returns what the call gives
 * @see odoo/addons/base/models/res_users.py, check_identity
 */
export async function callAndConfirm(
  odoo: OdooSession,
  password: string,
  model: string,
  method: string,
  ids: number[],
): Promise<unknown> {
  const action = (await odoo.call(model, method, [ids])) as {
    res_model?: string
    res_id?: number
  } | null
  // Within some minutes it does not ask again.
  if (action?.res_model !== 'res.users.identitycheck') return action
  return odoo.call(action.res_model, 'run_check', [[action.res_id]], { password })
}
