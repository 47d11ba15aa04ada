/** What the bridge tells of the contacts at Odoo, as the user may see them there. */

/** One contact in a list. Odoo's `false` for "empty" is `null` here. */
export interface Contact {
  id: number
  name: string
  email: string | null
  phone: string | null
  city: string | null
  /** The company that it belongs to; its own name where it is one. */
  company: string | null
  is_company: boolean
  /** Whether there is one, at `/api/contacts/:id/photo`. */
  photo: boolean
}

/** Answer of `GET /api/contacts`. */
export interface ContactsPage {
  contacts: Contact[]
  /** To be sent as `after` for the next page; null: this is the last one. */
  after: string | null
}

/** Answer of `GET` and `PATCH /api/contacts/:id`. */
export interface ContactDetails extends Contact {
  job: string | null
  website: string | null
  /** The lines of a letter, as Odoo writes it for that country. */
  address: string[]
  /** Whether Odoo would let this user change it. */
  may_edit: boolean
}

/** Body of `PATCH /api/contacts/:id`: what is to be changed; `null` empties. */
export interface ContactChange {
  email?: string | null
  phone?: string | null
}

/** Who the user is at Odoo. */
export interface OdooUserProfile {
  uid: number
  name: string
  login: string
  /** As BCP 47 has it: `fr-BE`. */
  language: string | null
  /** Those that the user may work in, the own one first. */
  companies: { id: number; name: string }[]
}

/** Answer of `GET /api/protected/data`: what an app of contacts begins with. */
export interface ProtectedData extends ContactsPage {
  user: OdooUserProfile
  /** How many contacts the user may see in all. */
  total: number
}
