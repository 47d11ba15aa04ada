import type { Database } from './database.ts'
import type { Consent, ConsentStore } from './port.ts'

/** What users have let apps have, in the table of the migrations, which the sessions' store runs. */
export function createConsents(database: Database): ConsentStore {
  const read = async (uid: number, clientId: string): Promise<string | undefined> => {
    const [row] = await database.query<{ scope: string }>(
      'SELECT scope FROM consents WHERE uid = $1 AND client_id = $2',
      [uid, clientId],
    )
    return row?.scope
  }

  return {
    scopeOf: async (uid, clientId) => (await read(uid, clientId))?.split(' ') ?? [],

    list: (uid) =>
      database.query<Consent>(
        'SELECT client_id, scope, granted_at FROM consents WHERE uid = $1 ORDER BY client_id',
        [uid],
      ),

    grant: async (uid, clientId, scope, now) => {
      // Written only where it still is what was read: what is withdrawn in between must not come
      // back with the new, and of two that are granted at once none gets lost.
      for (;;) {
        const before = await read(uid, clientId)
        const all = [...new Set([...(before?.split(' ') ?? []), ...scope])].join(' ')
        const written =
          before === undefined
            ? await database.query(
                `INSERT INTO consents (uid, client_id, scope, granted_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (uid, client_id) DO NOTHING
              RETURNING uid`,
                [uid, clientId, all, now],
              )
            : await database.query(
                `UPDATE consents SET scope = $3, granted_at = $4
                  WHERE uid = $1 AND client_id = $2 AND scope = $5
              RETURNING uid`,
                [uid, clientId, all, now, before],
              )
        if (written.length > 0) return
      }
    },

    withdraw: async (uid, clientId) => {
      const rows = await database.query(
        'DELETE FROM consents WHERE uid = $1 AND client_id = $2 RETURNING uid',
        [uid, clientId],
      )
      return rows.length > 0
    },
  }
}
