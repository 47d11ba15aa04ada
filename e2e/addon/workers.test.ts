/** Odoo with two workers: what one of them refuses, the other refuses as well. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { odooAudience } from '@drawbridge/bridge/contract'
import t from 'tap'
import { withOdooData } from '../stack/odoo-data.ts'
import { databaseUuid, setParameters, startOdoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { startIssuer } from '../support/issuer.ts'
import { odooSession } from '../support/odoo-session.ts'
import { bearer } from '../support/tokens.ts'

const PATH = '/json/2/res.partner/search_count'
const WORKERS = 2
/** Milliseconds until every worker must have had its turn: longer than the addon's cool-down. */
const PATIENCE = 30_000

/** What Odoo's log says of the requests to {@link PATH}: the worker and the status. */
function answersIn(log: string): { worker: string; status: number }[] {
  const lines = log.matchAll(/^\S+ \S+ (\d+) .*"POST (\S+) HTTP[^"]*" (\d+)/gm)
  return [...lines]
    .filter(([, , path]) => path === PATH)
    .map(([, worker = '', , status]) => ({ worker, status: Number(status) }))
}

await t.test('what is refused is refused by every worker', { timeout: 120_000 }, (t) =>
  withOdooData('workers', async (options) => {
    const { postgresql } = options
    const issuer = await startIssuer()
    await setParameters(postgresql, { 'auth_drawbridge.issuer': issuer.url })
    const logFile = join(dirname(options.folder), 'odoo.log')
    const odoo = await startOdoo({ ...options, logFile, workers: WORKERS })
    try {
      const url = `http://127.0.0.1:${odoo.port}`
      const audience = odooAudience(await databaseUuid(postgresql))
      const [demo] = await postgresql.query<{ id: number }>(
        ODOO_DATABASE,
        `SELECT id FROM res_users WHERE login = 'demo'`,
      )
      const uid = demo?.id ?? 0

      /** Sends at once what can be answered by several workers at once. */
      const send = (token: string) =>
        Promise.all(
          Array.from({ length: 2 * WORKERS }, async () => {
            const response = await fetch(url + PATH, {
              method: 'POST',
              headers: { ...bearer(token), 'Content-Type': 'application/json' },
              body: '{"domain":[]}',
            })
            await response.body?.cancel()
            return response.status
          }),
        )
      /** Sends until every worker has answered with this status; gives all statuses that came. */
      const untilEveryWorker = async (token: string, status: number): Promise<number[]> => {
        const begin = (await readFile(logFile)).length
        const deadline = Date.now() + PATIENCE
        const statuses: number[] = []
        while (Date.now() < deadline) {
          statuses.push(...(await send(token)))
          const log = (await readFile(logFile)).subarray(begin).toString()
          const told = answersIn(log).filter((answer) => answer.status === status)
          if (new Set(told.map(({ worker }) => worker)).size === WORKERS) return statuses
          await wait(100)
        }
        throw new Error(`Not every worker answered with ${status}: ${statuses.join()}`)
      }
      const all = async (token: string, status: number, what: string) => {
        const statuses = await untilEveryWorker(token, status)
        t.same([...new Set(statuses)], [status], what)
      }

      const token = issuer.accessToken(uid, audience)
      await all(token, 200, 'a good token')
      await all(issuer.accessToken(uid, 'odoo:other'), 401, 'a token for another database')
      await all(`${token.slice(0, -4)}AAAA`, 401, 'a token with another signature')

      const admin = await odooSession(
        { login: 'admin', password: 'admin' },
        { url, database: ODOO_DATABASE },
      )
      await admin.call('res.users', 'write', [[uid], { active: false }])
      await all(token, 401, 'a token of somebody who was archived just now')
      await admin.call('res.users', 'write', [[uid], { active: true }])
      await all(token, 200, 'and who is back')

      issuer.rotate()
      const renewed = issuer.accessToken(uid, audience)
      // Keys are fetched again after a cool-down: until then the new one is unknown.
      await untilEveryWorker(renewed, 200)
      await all(token, 401, 'a token of a key that was withdrawn')
      await all(renewed, 200, 'one of the key that took its place')
    } finally {
      await odoo.part.stop()
      await issuer.close()
    }
  }),
)
