import type { Database } from './database.ts'
import type { ConsentStore } from './port.ts'

/** What users have let apps have, in the table of the migrations, which the sessions' store runs. */
export function createConsents(database: Database): ConsentStore {
  return {
    scopeOf: async (uid, clientId) => {
      const [row] = await database.query<{ scope: string }>(
        'SELECT scope FROM consents WHERE uid = $1 AND client_id = $2',
        [uid, clientId],
      )
      return row ? row.scope.split(' ') : []
    },

    grant: async (uid, clientId, scope, now) => {
      await database.query(
        `INSERT INTO consents (uid, client_id, scope, granted_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (uid, client_id) DO UPDATE SET scope = $3, granted_at = $4`,
        [uid, clientId, scope.join(' '), now],
      )
    },
  }
}
