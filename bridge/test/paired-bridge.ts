import type { Test } from 'tap'
import { startFakeAddon, type FakeAddon } from './fake-addon.ts'
import { startBridge } from './helper.ts'

/** Where browsers reach the Odoo that the addon plays. */
export const ODOO_PAGES = 'http://odoo.localhost:8069'

/**
 * A bridge with the addon's adapter. Its rounds are far apart unless the test wants them.
 * @param given an addon that is there already
 */
export async function startPairedBridge(
  t: Test,
  settings: Record<string, string> = {},
  given?: FakeAddon,
) {
  const addon = given ?? (await startFakeAddon(t))
  const bridge = await startBridge(t, {
    ODOO_ADAPTER: 'addon',
    ODOO_URL: addon.url,
    ODOO_PUBLIC_URL: ODOO_PAGES,
    ODOO_RECONCILE_INTERVAL: '3600',
    ...settings,
  })
  return { ...bridge, addon }
}
