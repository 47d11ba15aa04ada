import type { OdooUserProfile } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { OdooClient } from '../odoo/port.ts'
import { languageOf, text, type OdooText } from './values.ts'

interface User {
  name: string
  login: string
  lang: OdooText
  company_id: [id: number, name: string]
  company_ids: number[]
}

/** Who a user is at Odoo. @throws BridgeError session_ended if Odoo does not know them any more */
export async function readProfile(odoo: OdooClient, uid: number): Promise<OdooUserProfile> {
  const fields = ['name', 'login', 'lang', 'company_id', 'company_ids']
  const [user] = await odoo.read<User>('res.users', [uid], fields)
  if (!user) throw new BridgeError('session_ended')
  const [ownId, ownName] = user.company_id
  const others = user.company_ids.filter((id) => id !== ownId)
  const companies =
    others.length === 0
      ? []
      : await odoo.read<{ id: number; name: string }>('res.company', others, ['name'])
  return {
    uid,
    name: user.name,
    login: user.login,
    language: languageOf(text(user.lang)),
    companies: [{ id: ownId, name: ownName }, ...companies.map(({ id, name }) => ({ id, name }))],
  }
}
