import type { Database } from './database.ts'
import type { PairingStore } from './port.ts'
import { DATABASE_TIME } from './time.ts'

/** The pairings in the table of the migrations, which the sessions' store runs. */
export function createPairings(database: Database): PairingStore {
  const time = DATABASE_TIME[database.driver]
  return {
    pin: async (audience, eventKey) => {
      await database.query(
        `INSERT INTO odoo_pairings (audience, event_key, pinned_at, compared_at)
         VALUES ($1, $2, ${time}, 0) ON CONFLICT (audience) DO NOTHING`,
        [audience, eventKey],
      )
      const [row] = await database.query<{ event_key: string }>(
        'SELECT event_key FROM odoo_pairings WHERE audience = $1',
        [audience],
      )
      // An operator may have been quicker.
      return row?.event_key ?? eventKey
    },

    unpin: async (audience) => {
      const rows = await database.query(
        'DELETE FROM odoo_pairings WHERE audience = $1 RETURNING audience',
        [audience],
      )
      return rows.length > 0
    },

    takeProof: async (audience, jti, expiresAt) => {
      await database.query(`DELETE FROM odoo_proofs WHERE expires_at < ${time}`, [])
      const rows = await database.query(
        `INSERT INTO odoo_proofs (audience, jti, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (audience, jti) DO NOTHING
      RETURNING jti`,
        [audience, jti, expiresAt],
      )
      return rows.length > 0
    },

    beginComparison: async (audience, interval) => {
      const rows = await database.query(
        `UPDATE odoo_pairings SET compared_at = ${time}
          WHERE audience = $1 AND compared_at <= ${time} - $2
      RETURNING audience`,
        [audience, interval],
      )
      return rows.length > 0
    },
  }
}
