import { odooClient } from './client.ts'
import { AMR_PASSWORD, AMR_SECOND_FACTOR, onBehalfOf, type OdooOptions } from './common.ts'
import type { OdooHttp } from './http.ts'
import {
  OdooRefused,
  OdooSessionEnded,
  OdooUnavailable,
  type IdentityProvider,
  type OdooUser,
  type SignIn,
} from './port.ts'
import { WebSession } from './web-session.ts'

export interface StockOdooOptions extends OdooOptions {
  /** Odoo's name for its database. */
  database: string
}

/**
 * An Odoo as it comes, without the addon: the bridge signs in with the user's password and goes on
 * with the session that Odoo gives.
 */
export function stockOdoo(options: StockOdooOptions): IdentityProvider {
  const { http, checkHttp, database, roleMap, issuer } = options

  const callModel =
    (web: WebSession) => (model: string, method: string, args: unknown[], kwargs: object) =>
      web.call(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs })

  const rolesOf = async (web: WebSession, uid: number): Promise<string[]> => {
    const call = callModel(web)
    const held = await Promise.all(
      Object.entries(roleMap).map(async ([group, role]) => {
        const has = await call('res.users', 'has_group', [uid, group], {})
        return has === true ? [role] : []
      }),
    )
    return [...new Set(held.flat())]
  }

  const resume = (through: OdooHttp, user: OdooUser): WebSession => {
    const { odooSession, onRotated, reload } = user
    if (odooSession === null) throw new OdooSessionEnded()
    return new WebSession(through, { id: odooSession, keeper: { onRotated, reload } })
  }

  const identityOf = async (web: WebSession, uid: number, amr: string[]): Promise<SignIn> => {
    const roles = await rolesOf(web, uid)
    // Read last: the calls before may have changed it.
    if (web.id === undefined) throw new OdooUnavailable('Odoo gave no session.')
    return {
      outcome: 'identity',
      identity: {
        uid,
        roles,
        amr,
        odooSession: web.id,
        odooStamp: null,
        authTime: null,
        odooBrowser: null,
      },
    }
  }

  return {
    signIn: async (credentials): Promise<SignIn> => {
      const { login, password, totp } = credentials
      const web = new WebSession(http, { headers: onBehalfOf(issuer, credentials) })
      try {
        const uid = await web.authenticate(database, login, password)
        if (uid !== null) return await identityOf(web, uid, AMR_PASSWORD)
        if (totp === undefined) return { outcome: 'second_factor_required' }
        const proven = await web.secondFactor(totp)
        if (proven === undefined) return { outcome: 'second_factor_denied' }
        return await identityOf(web, proven, AMR_SECOND_FACTOR)
      } catch (error) {
        if (error instanceof OdooRefused && error.odooError === 'odoo.exceptions.AccessDenied') {
          return { outcome: 'denied' }
        }
        // Nobody is signed in here yet, so no session of theirs can be over.
        if (error instanceof OdooSessionEnded) {
          throw new OdooUnavailable('Odoo forgot the session that it had just given.', {
            cause: error,
          })
        }
        throw error
      }
    },

    asUser: (user) => odooClient(callModel(resume(http, user))),

    // Odoo's session is bound to password, login and activity of its user: that it is good says all.
    check: async (user) => {
      const web = resume(checkHttp, user)
      await web.call('/web/session/check', {})
      return { roles: await rolesOf(web, user.uid) }
    },

    signOut: async ({ odooSession }) => {
      if (odooSession !== null) await new WebSession(http, { id: odooSession }).destroy()
    },
    // An answer of a stock Odoo to somebody who is not signed in depends on nothing of this.
    believesForwardedAddress: () => Promise.resolve(undefined),
    ping: async () => {
      const { status } = await http.send({ method: 'GET', path: '/web/health' })
      if (status !== 200) throw new OdooUnavailable(`Odoo answered with status ${status}.`)
    },
    close: async () => {
      await Promise.all([http.close(), checkHttp.close()])
    },
  }
}
