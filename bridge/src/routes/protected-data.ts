import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { PATHS, SCOPE_READ, type ProtectedData } from '../contract/index.ts'
import { countContacts, listContacts } from '../data/contacts.ts'
import { readProfile } from '../data/profile.ts'
import type { OdooClient } from '../odoo/port.ts'
import type { AsOdooUser } from './as-odoo-user.ts'
import { ProtectedDataAnswer } from './contact-answers.ts'
import { Company, companyOf } from './contact-requests.ts'

async function readProtectedData(
  odoo: OdooClient,
  uid: number,
  company: number | undefined,
): Promise<ProtectedData> {
  const [user, page, total] = await Promise.all([
    readProfile(odoo, uid),
    listContacts(odoo, {}, company),
    countContacts(odoo, company),
  ])
  return { user, ...page, total }
}

const SCHEMA = {
  tags: ['api'],
  summary: "The user and the first of the user's contacts, as Odoo gives them to this user",
  security: [{ accessToken: [], gate: [] }],
  querystring: Company,
  response: { 200: ProtectedDataAnswer },
}

/** The user's own Odoo data, for requests that the gate let through. Step A7.1.1. */
export const protectedDataRoute: FastifyPluginCallbackTypebox<{ asOdooUser: AsOdooUser }> = (
  app,
  { asOdooUser },
  done,
) => {
  app.get(PATHS.protectedData, { schema: SCHEMA }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_READ, (odoo, uid) =>
      readProtectedData(odoo, uid, companyOf(request.query)),
    ),
  )

  done()
}
