/**
 * For operators: `npm run odoo:unpin -w bridge`, with the bridge's own environment. See docs/odoo.md.
 */
import { ConfigError, loadConfig } from './config.ts'
import { odooAudience } from './contract/index.ts'
import { createPairings } from './sessions/pairings.ts'
import { openDatabase } from './sessions/open.ts'

async function main(): Promise<void> {
  const config = loadConfig(process.env)
  const database = openDatabase(config, (error) => {
    console.error(error)
  })
  try {
    const audience = odooAudience(config.ODOO_DATABASE_UUID)
    console.log(
      (await createPairings(database).unpin(audience))
        ? `The key of ${audience} is forgotten. Bridges trust the next one that it tells, within ${config.ODOO_RECONCILE_INTERVAL} s.`
        : `No key of ${audience} was pinned.`,
    )
  } finally {
    await database.close()
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exitCode = 1
})
