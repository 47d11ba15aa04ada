import type { OdooHttp } from './http.ts'
import type { Credentials } from './port.ts'

/** What both adapters are told. */
export interface OdooOptions {
  /** For those who sign in and work. */
  http: OdooHttp
  /** For checks of those who are signed in. */
  checkHttp: OdooHttp
  /** External id of a group → role. */
  roleMap: Record<string, string>
  /** The public address of the bridge: Odoo counts `X-Forwarded-For` only beside a forwarded host. */
  issuer: string
}

/**
 * Headers that tell Odoo whom the bridge speaks for. Odoo's cool-down after failed logins and its
 * device list are per address: without these ten wrong passwords of one person would lock everybody
 * out. Odoo believes them with `proxy_mode` only.
 */
export function onBehalfOf(
  issuer: string,
  { clientAddress, userAgent }: Pick<Credentials, 'clientAddress' | 'userAgent'>,
): Record<string, string> {
  const { host, protocol } = new URL(issuer)
  return {
    'x-forwarded-for': clientAddress,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
    'user-agent': userAgent,
  }
}

/** @see RFC 8176 §2 */
export const AMR_PASSWORD = ['pwd']
export const AMR_SECOND_FACTOR = ['pwd', 'otp', 'mfa']
