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
import {
  changeContact,
  listContacts,
  readContact,
  readPhoto,
  type ContactPosition,
} from '../data/contacts.ts'
import type { OdooClient } from '../odoo/port.ts'
import type { AsOdooUser } from './as-odoo-user.ts'

const encode = ({ name, id }: ContactPosition): string =>
  Buffer.from(JSON.stringify([name, id])).toString('base64url')

/** @throws BridgeError invalid_request for what no page ended with */
function decode(after: string): ContactPosition {
  try {
    const [name, id] = JSON.parse(Buffer.from(after, 'base64url').toString()) as unknown[]
    if (typeof name === 'string' && Number.isSafeInteger(id)) return { name, id: id as number }
  } catch {
    // Told below.
  }
  throw new BridgeError('invalid_request')
}

/** Postgres' integers end there. */
const ID = '^[1-9]\\d{0,8}$'

const Id = Type.Object({ id: Type.String({ pattern: ID }) })
const company = Type.Optional(
  Type.String({ pattern: ID, description: 'the company to work in, one of `/api/me`' }),
)
const Company = Type.Object({ company })
const Query = Type.Object({
  search: Type.Optional(
    Type.String({
      maxLength: 100,
      pattern: '^[^\\p{Cc}]*$',
      description: 'words that all stand in name, company, e-mail address or phone number',
    }),
  ),
  after: Type.Optional(
    Type.String({ maxLength: 2000, description: 'of the page before, as it came' }),
  ),
  company,
})

const nullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const summary = {
  id: Type.Integer(),
  name: Type.String(),
  email: nullableText,
  phone: nullableText,
  city: nullableText,
  company: nullableText,
  is_company: Type.Boolean(),
  photo: Type.Boolean(),
}
const Details = Type.Object({
  ...summary,
  job: nullableText,
  website: nullableText,
  address: Type.Array(Type.String()),
  may_edit: Type.Boolean(),
})

const changed = (description: string, maxLength: number) =>
  Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength,
      pattern: '^[^\\p{Cc}]*$',
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
    response: {
      200: Type.Object({ contacts: Type.Array(Type.Object(summary)), after: nullableText }),
    },
  },
  read: {
    ...common,
    summary: 'One contact',
    params: Id,
    querystring: Company,
    response: { 200: Details },
  },
  change: {
    ...common,
    summary: 'Change e-mail address or phone number of a contact, if Odoo lets this user',
    params: Id,
    querystring: Company,
    body: Change,
    response: { 200: Details },
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

const numberOf = (id: string | undefined): number | undefined =>
  id === undefined ? undefined : Number(id)

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
    asOdooUser(request, reply, SCOPE_READ, async (odoo) => {
      const { search = '', after, company } = request.query
      const query = { search, after: after === undefined ? undefined : decode(after) }
      const { contacts, last } = await listContacts(odoo, query, numberOf(company))
      return { contacts, after: last ? encode(last) : null }
    }),
  )

  app.get(`${PATHS.contacts}/:id`, { schema: SCHEMAS.read }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_READ, (odoo) =>
      oneContact(odoo, Number(request.params.id), numberOf(request.query.company)),
    ),
  )

  app.patch(`${PATHS.contacts}/:id`, { schema: SCHEMAS.change }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_WRITE, async (odoo) => {
      const [id, company] = [Number(request.params.id), numberOf(request.query.company)]
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
