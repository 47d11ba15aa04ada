/** The addon comes, is used, and goes: Odoo is what it was before. */
import { dirname, join } from 'node:path'
import { odooAudience } from '@drawbridge/bridge/contract'
import t from 'tap'
import { withOdooData } from '../stack/odoo-data.ts'
import { ADDON, databaseUuid, runOdoo, startOdoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE, type PostgreSQL } from '../stack/parts/postgresql.ts'
import { createApiKey } from '../support/api-key.ts'
import { startIssuer } from '../support/issuer.ts'
import { odooSession } from '../support/odoo-session.ts'
import { bearer } from '../support/tokens.ts'

/** Everything that an addon could leave behind, by a name that says what it is. */
const TRACES: Record<string, string> = {
  columns: `SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable)
    FROM information_schema.columns WHERE table_schema = 'public'`,
  // By name: two fields of Odoo's own share rule_group_rel, and the one that any addon loads last
  // decides what it does ON DELETE.
  constraints: `SELECT concat_ws(' ', conrelid::regclass, conname, contype)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace`,
  indexes: `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'`,
  sequences: `SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'`,
  functions: `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  triggers: `SELECT concat_ws(' ', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal`,
  models: `SELECT model FROM ir_model`,
  fields: `SELECT concat_ws(' ', model, name) FROM ir_model_fields`,
  selections: `SELECT concat_ws(' ', field_id, value) FROM ir_model_fields_selection`,
  reflected: `SELECT name FROM ir_model_constraint`,
  views: `SELECT concat_ws(' ', id, name, key) FROM ir_ui_view`,
  menus: `SELECT concat_ws(' ', id, name) FROM ir_ui_menu`,
  actions: `SELECT concat_ws(' ', id, type, name) FROM ir_actions`,
  crons: `SELECT concat_ws(' ', id, cron_name) FROM ir_cron`,
  groups: `SELECT concat_ws(' ', id, name) FROM res_groups`,
  access: `SELECT concat_ws(' ', id, name) FROM ir_model_access`,
  rules: `SELECT concat_ws(' ', id, name) FROM ir_rule`,
  parameters: `SELECT key FROM ir_config_parameter`,
  // Without the list of what could be installed.
  'external ids': `SELECT concat_ws('.', module, name) FROM ir_model_data
    WHERE model <> 'ir.module.module'`,
}

async function traces(postgresql: PostgreSQL): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const [what, sql] of Object.entries(TRACES)) {
    const rows = await postgresql.query<{ trace: string }>(
      ODOO_DATABASE,
      `SELECT trace FROM (${sql}) t(trace)`,
    )
    found[what] = rows.map(({ trace }) => trace).sort()
  }
  return found
}

/** What is in one list and not in the other. */
function differences(
  before: Record<string, string[]>,
  after: Record<string, string[]>,
): Record<string, string[]> {
  const entries = Object.keys(TRACES).map((what): [string, string[]] => {
    const [was, is] = [new Set(before[what]), new Set(after[what])]
    const left = [...is].filter((trace) => !was.has(trace)).map((trace) => `left: ${trace}`)
    const lost = [...was].filter((trace) => !is.has(trace)).map((trace) => `lost: ${trace}`)
    return [what, [...left, ...lost]]
  })
  return Object.fromEntries(entries.filter(([, changes]) => changes.length > 0))
}

const ADMIN = { login: 'admin', password: 'admin' }

await t.test('uninstalling the addon leaves Odoo as it was', { timeout: 120_000 }, (t) =>
  withOdooData(
    'uninstall',
    async (options) => {
      const { postgresql } = options
      const before = await traces(postgresql)
      await runOdoo(options, ['--init', ADDON, '--stop-after-init', '--no-http'])
      const issuer = await startIssuer()
      const odoo = await startOdoo({
        ...options,
        logFile: join(dirname(options.folder), 'odoo.log'),
      })
      try {
        const url = `http://127.0.0.1:${odoo.port}`
        const session = await odooSession(ADMIN, { url, database: ODOO_DATABASE })
        const [admin] = await postgresql.query<{ id: number }>(
          ODOO_DATABASE,
          `SELECT id FROM res_users WHERE login = 'admin'`,
        )
        const uid = admin?.id ?? 0
        const ask = async (token: string) => {
          const response = await fetch(`${url}/json/2/res.partner/search_count`, {
            method: 'POST',
            headers: { ...bearer(token), 'Content-Type': 'application/json' },
            body: '{"domain":[]}',
          })
          await response.body?.cancel()
          return response.status
        }

        const settings = { auth_drawbridge_issuer: issuer.url }
        const [page] = (await session.call('res.config.settings', 'create', [
          [settings],
        ])) as number[]
        await session.call('res.config.settings', 'execute', [[page]])
        const token = issuer.accessToken(uid, odooAudience(await databaseUuid(postgresql)))
        const apiKey = await createApiKey(ADMIN, session)
        t.equal(await ask(token), 200, 'a token is good')
        t.equal(await ask(apiKey), 200, 'an API key is')
        const used = differences(before, await traces(postgresql))
        for (const what of ['fields', 'views', 'external ids']) {
          t.match(used[what]?.join(), 'drawbridge', `${what} of the addon while it is there`)
        }
        t.match(used['parameters']?.join(), 'auth_drawbridge.issuer')

        const found = (await session.call('ir.module.module', 'search', [
          [['name', '=', ADDON]],
        ])) as number[]
        await session.call('ir.module.module', 'button_immediate_uninstall', [found])

        t.same(differences(before, await traces(postgresql)), {}, 'nothing of it is left')
        t.equal(await ask(token), 401, 'no token is good any more')
        t.equal(await ask(apiKey), 200, 'the API key is, as before')
      } finally {
        await odoo.part.stop()
        await issuer.close()
      }
    },
    { addon: false },
  ),
)
