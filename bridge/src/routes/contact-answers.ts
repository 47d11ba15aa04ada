/** Schemas of what the routes for contacts answer. */
import { Type } from 'typebox'

const nullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

const contact = {
  id: Type.Integer(),
  name: Type.String(),
  email: nullableText,
  phone: nullableText,
  city: nullableText,
  company: nullableText,
  is_company: Type.Boolean(),
  photo: Type.Boolean(),
}
const page = { contacts: Type.Array(Type.Object(contact)), after: nullableText }

/** @see ContactsPage */
export const ContactsPageAnswer = Type.Object(page)

/** @see ContactDetails */
export const ContactDetailsAnswer = Type.Object({
  ...contact,
  job: nullableText,
  website: nullableText,
  address: Type.Array(Type.String()),
  may_edit: Type.Boolean(),
})

/** @see ProtectedData */
export const ProtectedDataAnswer = Type.Object({
  ...page,
  user: Type.Object({
    uid: Type.Integer(),
    name: Type.String(),
    login: Type.String(),
    language: nullableText,
    companies: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String() })),
  }),
  total: Type.Integer(),
})
