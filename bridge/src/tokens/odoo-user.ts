import type { SecretKeys } from '../keys/port.ts'
import { OdooSessionEnded, type OdooUser } from '../odoo/port.ts'
import type { Session, SessionStore } from '../sessions/port.ts'
import type { AccessTokens } from './access-token.ts'
import { seal, unseal } from './seal.ts'

/** Seconds: a token that the bridge makes for one call of Odoo, and shows to nobody else. */
const ODOO_TOKEN_TTL = 60

export interface OdooUsersOptions {
  store: SessionStore
  secrets: SecretKeys
  accessTokens: AccessTokens
  /** Of tokens that Odoo itself takes. */
  odooAudience: string
}

/** Makes of a session's row what the bridge acts by at Odoo. */
export function createOdooUsers(options: OdooUsersOptions) {
  const { store, secrets, accessTokens, odooAudience } = options

  /** The plain id of the session at Odoo; undefined if there is none, or it does not open. */
  const odooSessionOf = (session: Session): Promise<string | undefined> =>
    session.odoo_session === null
      ? Promise.resolve(undefined)
      : unseal(secrets, session, session.odoo_session)

  return {
    odooSessionOf,

    /**
     * @param scope of the tokens for Odoo
     * @throws OdooSessionEnded if the session at Odoo is on record but does not open
     */
    userOf: async (session: Session, scope = session.scope): Promise<OdooUser> => {
      let sealed = session.odoo_session
      const odooSession = await odooSessionOf(session)
      if (sealed !== null && odooSession === undefined) throw new OdooSessionEnded()
      return {
        uid: session.uid,
        odooSession: odooSession ?? null,
        odooStamp: session.odoo_stamp,
        onRotated: async (next) => {
          if (sealed === null) return
          const resealed = await seal(secrets, session, next)
          // Where another request was first, its id is good too: Odoo gives both the same one.
          if (await store.replaceOdooSession(session.sid, sealed, resealed)) sealed = resealed
        },
        reload: async () => {
          const row = await store.get(session.sid)
          if (!row || row.revoked_at !== null) return undefined
          sealed = row.odoo_session
          return odooSessionOf(row)
        },
        accessToken: () =>
          accessTokens.mint(
            { ...session, scope, audience: odooAudience },
            Date.now(),
            ODOO_TOKEN_TTL,
          ),
      }
    },
  }
}
