/** Contacts of Odoo (`res.partner`), with the rights of one user. */
import type { Contact, ContactChange, ContactDetails, ContactsPage } from '../contract/index.ts'
import type { OdooClient } from '../odoo/port.ts'
import { decodePosition, encodePosition, type ContactPosition } from './contact-position.ts'
import { text, type OdooText } from './values.ts'

export interface ContactQuery {
  /** Words, each of which is to be found in name, company, e-mail address or phone number. */
  search?: string | undefined
  /** Of the page before, as it came. */
  after?: string | undefined
}

/** Of one page. */
const LIMIT = 50

const FIELDS = [
  'name',
  'email',
  'phone',
  'city',
  'commercial_company_name',
  'is_company',
  // Its size, see `context`; the picture itself is asked for where it is seen.
  'image_128',
]
const MORE_FIELDS = ['function', 'website', 'contact_address']

interface Partner {
  id: number
  name: string
  email: OdooText
  phone: OdooText
  city: OdooText
  commercial_company_name: OdooText
  is_company: boolean
  image_128: OdooText
}

interface PartnerDetails extends Partner {
  function: OdooText
  website: OdooText
  contact_address: OdooText
}

type Domain = (string | [field: string, operator: string, value: unknown])[]

/** What has no name is an address of a contact that has one. */
const LISTED: Domain = [['name', '!=', false]]

const toContact = (partner: Partner): Contact => ({
  id: partner.id,
  name: partner.name,
  email: text(partner.email),
  phone: text(partner.phone),
  city: text(partner.city),
  company: text(partner.commercial_company_name),
  is_company: partner.is_company,
  photo: partner.image_128 !== false,
})

/** In LIKE, which `ilike` is made of, these stand for something else. */
const literally = (word: string): string => word.replace(/[\\%_]/g, '\\$&')

/** `complete_name` has the company in it. */
const domainOfWord = (word: string): Domain => [
  '|',
  '|',
  ['complete_name', 'ilike', literally(word)],
  ['email', 'ilike', literally(word)],
  ['phone', 'ilike', literally(word)],
]

/** Behind a contact in the order of the list. The last is "and", as between all terms. */
const domainAfter = ({ name, id }: ContactPosition): Domain => [
  '|',
  ['name', '>', name],
  '&',
  ['name', '=', name],
  ['id', '>', id],
]

/** @param company whose records are asked for; undefined: those of all the user's companies */
const contextOf = (company: number | undefined) => ({
  bin_size: true,
  ...(company === undefined ? {} : { allowed_company_ids: [company] }),
})

/** How many there are in all. */
export async function countContacts(
  odoo: OdooClient,
  company: number | undefined,
): Promise<number> {
  const context = contextOf(company)
  return (await odoo.execute_kw('res.partner', 'search_count', [[LISTED], { context }])) as number
}

/** One page of contacts: what has none is an address of one that has. */
export async function listContacts(
  odoo: OdooClient,
  query: ContactQuery,
  company: number | undefined,
): Promise<ContactsPage> {
  const { search = '', after } = query
  const words = search.split(/\s+/).filter((word) => word !== '')
  const domain: Domain = [
    ...LISTED,
    ...words.flatMap(domainOfWord),
    ...(after === undefined ? [] : domainAfter(decodePosition(after))),
  ]
  const found = (await odoo.execute_kw('res.partner', 'search_read', [
    [domain],
    // One more than is shown tells whether there is a next page.
    { fields: FIELDS, limit: LIMIT + 1, order: 'name, id', context: contextOf(company) },
  ])) as Partner[]
  const shown = found.slice(0, LIMIT)
  const last = found.length > LIMIT ? shown.at(-1) : undefined
  return { contacts: shown.map(toContact), after: last ? encodePosition(last) : null }
}

/** The language that Odoo's own words, its refusals too, are to be in: the user's. */
async function userContext(odoo: OdooClient): Promise<object> {
  return (await odoo.execute_kw('res.users', 'context_get', [[]])) as object
}

/**
 * One contact.
 * @returns undefined if there is none, or none that this user may see
 */
export async function readContact(
  odoo: OdooClient,
  id: number,
  company: number | undefined,
): Promise<ContactDetails | undefined> {
  const context = { ...(await userContext(odoo)), ...contextOf(company) }
  const fields = [...FIELDS, ...MORE_FIELDS]
  // Searched for, not read: what the user may not see is not told from what is not there.
  const [found, mayEdit] = (await Promise.all([
    odoo.execute_kw('res.partner', 'search_read', [[[['id', '=', id]]], { fields, context }]),
    odoo.execute_kw('res.partner', 'has_access', [[[id], 'write'], { context }]),
  ])) as [PartnerDetails[], boolean]
  const [partner] = found
  if (!partner) return undefined
  return {
    ...toContact(partner),
    name: partner.name || (text(partner.commercial_company_name) ?? ''),
    job: text(partner.function),
    website: text(partner.website),
    address: (text(partner.contact_address) ?? '').split('\n').flatMap((line) => line.trim() || []),
    may_edit: mayEdit,
  }
}

/**
 * Changes a contact, if Odoo lets this user.
 * @throws OdooRefused with Odoo's words, in the user's language
 */
export async function changeContact(
  odoo: OdooClient,
  id: number,
  change: ContactChange,
  company: number | undefined,
): Promise<void> {
  const context = { ...(await userContext(odoo)), ...contextOf(company) }
  const values = Object.fromEntries(
    Object.entries(change).map(([field, value]) => [field, (value as string | null) ?? false]),
  )
  await odoo.execute_kw('res.partner', 'write', [[[id], values], { context }])
}

/** What a picture begins with. Others are not passed on: an SVG may hold scripts. */
const IMAGE_TYPES: [type: string, begins: RegExp][] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
  ['image/gif', /^GIF8[79]a/],
]

/** The picture of a contact, 256 pixels at most. @returns undefined if there is none to show */
export async function readPhoto(
  odoo: OdooClient,
  id: number,
): Promise<{ type: string; bytes: Buffer } | undefined> {
  const [partner] = await odoo.searchRead<{ image_256: OdooText }>(
    'res.partner',
    [['id', '=', id]],
    ['image_256'],
  )
  const encoded = partner && text(partner.image_256)
  if (!encoded) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  const begins = bytes.toString('latin1', 0, 16)
  const type = IMAGE_TYPES.find(([, signature]) => signature.test(begins))?.[0]
  return type === undefined ? undefined : { type, bytes }
}
