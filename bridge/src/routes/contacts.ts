import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  PATHS,
  SCOPE_READ,
  SCOPE_WRITE,
  type ContactDetails,
  type ContactsPage,
} from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { changeContact, listContacts, readContact, readPhoto } from '../data/contacts.ts'
import type { OdooClient } from '../odoo/port.ts'
import type { AsOdooUser } from './as-odoo-user.ts'
import { ContactDetailsAnswer, ContactsPageAnswer } from './contact-answers.ts'
import { Company, companyOf, ID } from './contact-requests.ts'

const Id = Type.Object({ id: Type.String({ pattern: ID }) })
const Query = Type.Object({
  search: Type.Optional(
    Type.String({
      maxLength: 100,
      pattern: '^[^\\p{Cc}\\p{Cs}]*$',
      description: 'words that all stand in name, company, e-mail address or phone number',
    }),
  ),
  after: Type.Optional(
    Type.String({ maxLength: 2000, description: 'of the page before, as it came' }),
  ),
  ...Company.properties,
})

const changed = (description: string, maxLength: number) =>
  Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength,
      pattern: '^[^\\p{Cc}\\p{Cs}]*$',
      description,
    }),
  )
const Change = Type.Object(
  { email: changed('null empties it', 254), phone: changed('null empties it', 64) },
  { additionalProperties: false, minProperties: 1 },
)

const common = { tags: ['api'], security: [{ accessToken: [], gate: [] }] }
const SCHEMAS = {
  list: {
    ...common,
    summary: 'Contacts of Odoo by name, a page at a time',
    querystring: Query,
    response: { 200: ContactsPageAnswer },
  },
  read: {
    ...common,
    summary: 'One contact',
    params: Id,
    querystring: Company,
    response: { 200: ContactDetailsAnswer },
  },
  change: {
    ...common,
    summary: 'Change e-mail address or phone number of a contact, if Odoo lets this user',
    params: Id,
    querystring: Company,
    body: Change,
    response: { 200: ContactDetailsAnswer },
  },
  photo: {
    ...common,
    summary: 'The picture of a contact',
    params: Id,
    response: {
      200: {
        description: 'PNG, JPEG, WebP or GIF, 256 pixels at most.',
        content: {
          'image/*': { schema: Type.Unsafe<Buffer>({ type: 'string', format: 'binary' }) },
        },
      },
    },
  },
}

async function oneContact(
  odoo: OdooClient,
  id: number,
  company: number | undefined,
): Promise<ContactDetails> {
  const contact = await readContact(odoo, id, company)
  if (!contact) throw new BridgeError('not_found')
  return contact
}

/** The user's contacts at Odoo, for requests that the gate let through. */
export const contactsRoutes: FastifyPluginCallbackTypebox<{ asOdooUser: AsOdooUser }> = (
  app,
  { asOdooUser },
  done,
) => {
  app.get(PATHS.contacts, { schema: SCHEMAS.list }, (request, reply): Promise<ContactsPage> =>
    asOdooUser(request, reply, SCOPE_READ, (odoo) =>
      listContacts(odoo, request.query, companyOf(request.query)),
    ),
  )

  app.get(`${PATHS.contacts}/:id`, { schema: SCHEMAS.read }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_READ, (odoo) =>
      oneContact(odoo, Number(request.params.id), companyOf(request.query)),
    ),
  )

  app.patch(`${PATHS.contacts}/:id`, { schema: SCHEMAS.change }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_WRITE, async (odoo) => {
      const [id, company] = [Number(request.params.id), companyOf(request.query)]
      await changeContact(odoo, id, request.body, company)
      return oneContact(odoo, id, company)
    }),
  )

  app.get(`${PATHS.contacts}/:id/photo`, { schema: SCHEMAS.photo }, async (request, reply) => {
    const id = Number(request.params.id)
    const photo = await asOdooUser(request, reply, SCOPE_READ, (odoo) => readPhoto(odoo, id))
    if (!photo) throw new BridgeError('not_found')
    return reply.type(photo.type).send(photo.bytes)
  })

  done()
}
