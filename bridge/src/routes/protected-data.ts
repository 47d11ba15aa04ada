import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { PATHS, SCOPE_READ, type Contact, type ProtectedData } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { OdooClient } from '../odoo/port.ts'
import { text, type OdooText } from '../data/values.ts'
import { ProtectedDataAnswer } from './answers.ts'
import type { AsOdooUser } from './as-odoo-user.ts'

const LIMIT = 80
const FIELDS = ['name', 'email', 'phone', 'city', 'commercial_company_name'] as const

type Partner = { id: number } & Record<(typeof FIELDS)[number], OdooText>

const toContact = (partner: Partner): Contact => ({
  id: partner.id,
  name: text(partner.name) ?? '',
  email: text(partner.email),
  phone: text(partner.phone),
  city: text(partner.city),
  company: text(partner.commercial_company_name),
})

async function readProtectedData(odoo: OdooClient, uid: number): Promise<ProtectedData> {
  const options = { limit: LIMIT, offset: 0, order: 'name, id' }
  const [users, partners, total] = await Promise.all([
    odoo.read<{ name: string; login: string }>('res.users', [uid], ['name', 'login']),
    odoo.searchRead<Partner>('res.partner', [], [...FIELDS], options),
    odoo.execute_kw('res.partner', 'search_count', [[[]]]) as Promise<number>,
  ])
  const [user] = users
  if (!user) throw new BridgeError('session_ended')
  return {
    user: { uid, name: user.name, login: user.login },
    contacts: partners.map(toContact),
    total,
  }
}

const SCHEMA = {
  tags: ['api'],
  summary: "The user and the first of the user's contacts, as Odoo gives them to this user",
  security: [{ accessToken: [], gate: [] }],
  response: { 200: ProtectedDataAnswer },
}

/** The user's own Odoo data, for requests that the gate let through. Step A7.1.1. */
export const protectedDataRoute: FastifyPluginCallbackTypebox<{ asOdooUser: AsOdooUser }> = (
  app,
  { asOdooUser },
  done,
) => {
  app.get(PATHS.protectedData, { schema: SCHEMA }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_READ, readProtectedData),
  )

  done()
}
