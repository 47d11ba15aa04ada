/** A bridge with the addon's adapter at the stack's Odoo, for the integration tests. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { GATE_CREDENTIAL } from './helper.ts'

/**
 * A bridge beside the stack's own, with the same keys: the addon takes it for the same.
 * @param settings its sessions are its own, unless there is a DATABASE_URL among them
 */
export async function startAddonBridge(t: Test, settings: Record<string, string> = {}) {
  const { inside, issuer } = readStack()
  const folder = t.testdir({ credential: GATE_CREDENTIAL })
  const files = { sqlite: join(folder, 'sessions.sqlite') }
  const app = await buildApp(
    loadConfig({
      ISSUER: issuer,
      ODOO_ADAPTER: 'addon',
      ODOO_URL: inside.odooUrl,
      ODOO_DATABASE: inside.odooDatabase,
      ODOO_DATABASE_UUID: inside.odooDatabaseUuid,
      SQLITE_FILE: files.sqlite,
      VAULT_ADDR: inside.vault.address,
      VAULT_ROLE_ID: inside.vault.roleId,
      VAULT_SECRET_ID_FILE: inside.vault.secretIdFile,
      VAULT_TRANSIT_KEY: inside.vault.transitKey,
      VAULT_KV_PATH: inside.vault.kvPath,
      GATE_CREDENTIAL_FILE: join(folder, 'credential'),
      LOG_LEVEL: 'silent',
      ...settings,
    }),
  )
  t.teardown(() => app.close())
  return { app, files }
}
