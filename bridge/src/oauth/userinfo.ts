import type { UserInfo } from '../contract/index.ts'
import type { OdooClient } from '../odoo/port.ts'

/** Odoo's word for empty is `false`. */
type OdooText = string | false

interface User {
  name: string
  login: string
  partner_id: [number, string]
}

interface Partner {
  lang: OdooText
  tz: OdooText
  website: OdooText
  email: OdooText
  phone: OdooText
  street: OdooText
  street2: OdooText
  city: OdooText
  zip: OdooText
  state_id: [number, string] | false
  country_id: [number, string] | false
  /** By UTC, as Odoo writes it. */
  write_date: string
}

const PARTNER_FIELDS = [
  'lang',
  'tz',
  'website',
  'email',
  'phone',
  'street',
  'street2',
  'city',
  'zip',
  'state_id',
  'country_id',
  'write_date',
]

type Claim = Exclude<keyof UserInfo, 'sub'>

/** @see OpenID Connect Core 1.0 §5.4 */
const CLAIMS_OF_SCOPE: Record<string, readonly Claim[]> = {
  profile: ['name', 'preferred_username', 'locale', 'zoneinfo', 'website', 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
}

/** What there is to ask for. */
export const CLAIMS: readonly Claim[] = Object.values(CLAIMS_OF_SCOPE).flat()

/**
 * Which claims a client may have.
 * @param scope that it was granted
 * @param claims its `claims` parameter, JSON. @see OpenID Connect Core 1.0 §5.5
 */
export function grantedClaims(scope: readonly string[], claims: string | null): Set<Claim> {
  const { userinfo } = JSON.parse(claims ?? '{}') as { userinfo?: unknown }
  const asked = typeof userinfo === 'object' && userinfo !== null ? Object.keys(userinfo) : []
  return new Set([
    ...scope.flatMap((word) => CLAIMS_OF_SCOPE[word] ?? []),
    ...CLAIMS.filter((claim) => asked.includes(claim)),
  ])
}

const text = (value: OdooText): string | undefined => value || undefined

function addressOf(partner: Partner): UserInfo['address'] {
  const street = [partner.street, partner.street2].filter(Boolean).join('\n')
  const parts = {
    street_address: street || undefined,
    locality: text(partner.city),
    region: partner.state_id ? partner.state_id[1] : undefined,
    postal_code: text(partner.zip),
    country: partner.country_id ? partner.country_id[1] : undefined,
  }
  const known = Object.entries(parts).filter(([, part]) => part !== undefined)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

/**
 * What Odoo knows of a user, as far as the client may have it.
 * @param odoo with the rights of that user
 * @see OpenID Connect Core 1.0 §5.1
 */
export async function readUserInfo(
  odoo: OdooClient,
  uid: number,
  granted: ReadonlySet<Claim>,
): Promise<UserInfo> {
  if (granted.size === 0) return { sub: String(uid) }
  const [user] = await odoo.read<User>('res.users', [uid], ['name', 'login', 'partner_id'])
  if (!user) throw new TypeError('Odoo did not find the user.')
  const [partner] = await odoo.read<Partner>('res.partner', [user.partner_id[0]], PARTNER_FIELDS)
  if (!partner) throw new TypeError("Odoo did not find the user's partner.")
  const email = text(partner.email)
  const phone = text(partner.phone)
  const all: Record<Claim, unknown> = {
    name: user.name,
    preferred_username: user.login,
    // Odoo writes "fr_BE", the web "fr-BE". @see BCP 47
    locale: text(partner.lang)?.replace('_', '-'),
    zoneinfo: text(partner.tz),
    website: text(partner.website),
    updated_at: Math.floor(Date.parse(`${partner.write_date.replace(' ', 'T')}Z`) / 1000),
    email,
    // Odoo lets people write into these fields whatever they like.
    email_verified: email === undefined ? undefined : false,
    phone_number: phone,
    phone_number_verified: phone === undefined ? undefined : false,
    address: addressOf(partner),
  }
  const found = [...granted].map((claim) => [claim, all[claim]] as const)
  return {
    sub: String(uid),
    ...Object.fromEntries(found.filter(([, value]) => value !== undefined)),
  }
}
