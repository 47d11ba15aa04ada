import { OdooJsonRpc } from './json-rpc.ts'
import {
  OdooRefused,
  OdooUnavailable,
  type Credentials,
  type IdentityProvider,
  type OdooUser,
  type SignIn,
} from './port.ts'

export interface StockOdooOptions {
  baseUrl: string
  database: string
  /** Seconds for one call. */
  timeout: number
  /** External id of a group → role. */
  roleMap: Record<string, string>
  /** The public address of the bridge: Odoo counts `X-Forwarded-For` only beside a forwarded host. */
  issuer: string
}

/**
 * An Odoo as it comes, without the addon: the bridge signs in with the user's password and goes on
 * with the session that Odoo gives.
 */
export function stockOdoo(options: StockOdooOptions): IdentityProvider {
  const { baseUrl, database, roleMap } = options
  const timeout = options.timeout * 1000
  const issuer = new URL(options.issuer)

  // Odoo's cool-down after failed logins and its device list are per address: without these
  // headers ten wrong passwords of one person would lock everybody out.
  const onBehalfOf = ({ clientAddress, userAgent }: Credentials) => ({
    'X-Forwarded-For': clientAddress,
    'X-Forwarded-Host': issuer.host,
    'X-Forwarded-Proto': issuer.protocol.slice(0, -1),
    'User-Agent': userAgent,
  })

  const rolesOf = async (odoo: OdooJsonRpc, uid: number): Promise<string[]> => {
    const held = await Promise.all(
      Object.entries(roleMap).map(async ([group, role]) => {
        const has = await odoo.execute_kw('res.users', 'has_group', [[uid, group]])
        return has === true ? [role] : []
      }),
    )
    return [...new Set(held.flat())]
  }

  return {
    signIn: async (credentials): Promise<SignIn> => {
      const odoo = new OdooJsonRpc({
        baseUrl,
        database,
        timeout,
        login: credentials.login,
        password: credentials.password,
        headers: onBehalfOf(credentials),
      })
      try {
        const { uid } = await odoo.connect()
        if (uid === null) return { outcome: 'second_factor_required' }
        if (odoo.sessionId === undefined) throw new OdooUnavailable('Odoo gave no session.')
        const roles = await rolesOf(odoo, uid)
        const identity = { uid, roles, amr: ['pwd'], odooSession: odoo.sessionId }
        return { outcome: 'identity', identity }
      } catch (error) {
        if (error instanceof OdooRefused && error.odooError === 'odoo.exceptions.AccessDenied') {
          return { outcome: 'denied' }
        }
        throw error
      }
    },

    asUser: ({ uid, odooSession, onRotated }: OdooUser) =>
      new OdooJsonRpc({ baseUrl, database, timeout, session: { uid, id: odooSession, onRotated } }),

    signOut: async ({ uid, odooSession }) => {
      const session = { uid, id: odooSession, onRotated: () => Promise.resolve() }
      await new OdooJsonRpc({ baseUrl, database, timeout, session }).disconnect()
    },

    ping: async () => {
      const signal = AbortSignal.timeout(timeout)
      const answer = await fetch(new URL('/web/health', baseUrl), { signal }).catch(
        (cause: unknown) => {
          throw new OdooUnavailable('Odoo does not answer.', { cause })
        },
      )
      await answer.body?.cancel()
      if (!answer.ok) throw new OdooUnavailable(`Odoo answered with status ${answer.status}.`)
    },
  }
}
