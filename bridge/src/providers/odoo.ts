import { createHash } from 'node:crypto'
import type { PairedOdoo } from '../odoo/port.ts'
import type { SignInProvider } from './port.ts'

export interface OdooProviderOptions {
  odoo: PairedOdoo
  /** Where browsers reach Odoo, without a slash at the end. */
  publicUrl: string
  /** `odoo:<database.uuid>`, as which Odoo answers. */
  odooAudience: string
}

/**
 * Odoo's own login page: whatever it takes (password, passkey, LDAP, another provider) is good for
 * the bridge, too. The addon knows one address to send the browser back to, so none is named.
 */
export const odooProvider = ({
  odoo,
  publicUrl,
  odooAudience,
}: OdooProviderOptions): SignInProvider => ({
  id: 'odoo',
  name: 'Odoo',

  authorizationUrl: ({ state, codeVerifier, after }) => {
    const challenge = createHash('sha256').update(codeVerifier).digest('base64url')
    const query = new URLSearchParams({ state, code_challenge: challenge })
    if (after !== undefined) query.set('after', String(after))
    return Promise.resolve(`${publicUrl}/auth_drawbridge/continue?${query.toString()}`)
  },

  identify: async (answer, { codeVerifier }) => {
    const code = answer.get('code')
    // Who answers says so: a code of another issuer must not be shown to this one. @see RFC 9207 §2.4
    if (code === null || answer.get('iss') !== odooAudience) return undefined
    return odoo.redeem(code, codeVerifier)
  },
})
