/** Odoo with two workers: what one of them knows of the bridge, the other knows as well. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { odooAudience } from '@drawbridge/bridge/contract'
import t from 'tap'
import { withOdooData } from '../stack/odoo-data.ts'
import { databaseUuid, setParameters, startOdoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { signatures, startIssuer, type Signatures } from '../support/issuer.ts'
import { odooSession } from '../support/odoo-session.ts'
import { bearer } from '../support/tokens.ts'

const PATH = '/json/2/res.partner/search_count'
const KEYS = '/auth_drawbridge/1/keys'
const REVOCATIONS = '/auth_drawbridge/1/revocations'
const WORKERS = 2
/** Milliseconds until every worker must have had its turn. */
const PATIENCE = 30_000
/** Seconds: the addon's. */
const COOL_DOWN = 10

/** What Odoo's log says of the requests to {@link PATH}: the worker and the status. */
function answersIn(log: string): { worker: string; status: number }[] {
  const lines = log.matchAll(/^\S+ \S+ (\d+) .*"POST (\S+) HTTP[^"]*" (\d+)/gm)
  return [...lines]
    .filter(([, , path]) => path === PATH)
    .map(([, worker = '', , status]) => ({ worker, status: Number(status) }))
}

await t.test('what one worker knows, every worker knows', { timeout: 240_000 }, (t) =>
  withOdooData('workers', async (options) => {
    const { postgresql } = options
    const issuer = await startIssuer()
    await setParameters(postgresql, { 'auth_drawbridge.issuer': issuer.url })
    const logFile = join(dirname(options.folder), 'odoo.log')
    const start = () => startOdoo({ ...options, logFile, workers: WORKERS })
    let odoo = await start()
    try {
      const url = () => `http://127.0.0.1:${odoo.port}`
      const audience = odooAudience(await databaseUuid(postgresql))
      const [demo] = await postgresql.query<{ id: number }>(
        ODOO_DATABASE,
        `SELECT id FROM res_users WHERE login = 'demo'`,
      )
      const uid = demo?.id ?? 0

      const ask = async (token: string): Promise<number> => {
        const response = await fetch(url() + PATH, {
          method: 'POST',
          headers: { ...bearer(token), 'Content-Type': 'application/json' },
          body: '{"domain":[]}',
        })
        await response.body?.cancel()
        return response.status
      }
      /** Sends at once what can be answered by several workers at once. */
      const send = (token: string) =>
        Promise.all(Array.from({ length: 2 * WORKERS }, () => ask(token)))
      /** Sends until every worker has answered; each answer has to be this one. */
      const all = async (token: string, status: number, what: string): Promise<void> => {
        const begin = (await readFile(logFile)).length
        const deadline = Date.now() + PATIENCE
        const statuses: number[] = []
        const workers = new Set<string>()
        while (workers.size < WORKERS) {
          if (Date.now() > deadline) throw new Error(`Not every worker answered: ${what}`)
          statuses.push(...(await send(token)))
          const log = (await readFile(logFile)).subarray(begin).toString()
          for (const { worker } of answersIn(log)) workers.add(worker)
          await wait(20)
        }
        t.same([...new Set(statuses)], [status], what)
      }
      /** Asks as the bridge does. */
      const post = (path: string, body: string, assertion: string) =>
        fetch(url() + path, {
          method: 'POST',
          headers: { ...bearer(assertion), 'Content-Type': 'application/json' },
          body,
        })
      const pushKeys = (by: Signatures) => post(KEYS, '{}', by.assertion(KEYS, '{}', audience))
      /** Puts the last attempt to fetch keys back in time. */
      const passTime = (seconds: number) =>
        postgresql.query(
          ODOO_DATABASE,
          `UPDATE drawbridge_keys SET tried_at = tried_at - $1 * interval '1 second'`,
          [seconds],
        )

      await t.test('a token', async () => {
        const token = issuer.accessToken(uid, audience)
        await all(token, 200, 'a good token')
        await all(issuer.accessToken(uid, 'odoo:other'), 401, 'a token for another database')
        await all(`${token.slice(0, -4)}AAAA`, 401, 'a token with another signature')

        const admin = await odooSession(
          { login: 'admin', password: 'admin' },
          { url: url(), database: ODOO_DATABASE },
        )
        await admin.call('res.users', 'write', [[uid], { active: false }])
        await all(token, 401, 'a token of somebody who was archived just now')
        await admin.call('res.users', 'write', [[uid], { active: true }])
        await all(token, 200, 'and who is back')
      })

      await t.test('one fetch for all', async (t) => {
        const invented = () => signatures(issuer.url).accessToken(uid, audience)
        for (const coolDown of ['one', 'another']) {
          const before = issuer.fetches
          await passTime(COOL_DOWN)
          for (let times = 0; times < 3; times++) await all(invented(), 401, 'an invented kid')
          t.equal(issuer.fetches, before + 1, `${coolDown} cool-down, all workers together`)
        }

        await passTime(COOL_DOWN)
        const before = issuer.fetches
        issuer.rotate()
        const { asked, release } = issuer.hold()
        const statuses = send(issuer.accessToken(uid, audience))
        await asked
        // The others are on their way to the same: they wait for PostgreSQL's lock.
        const isWaiting = () =>
          postgresql.query(
            ODOO_DATABASE,
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
          )
        while ((await isWaiting()).length < WORKERS - 1) await wait(10)
        release()
        t.same(await statuses, Array(2 * WORKERS).fill(200), 'all who waited have the new key')
        t.equal(issuer.fetches, before + 1)
      })

      await t.test('a key that is withdrawn', async (t) => {
        const token = issuer.accessToken(uid, audience)
        await all(token, 200, 'while it is published')
        const stolen = issuer.rotate()
        await all(token, 200, 'Odoo does not know yet')
        // Invented ones have just had Odoo fetch: that must not hold up the bridge.
        t.equal(await ask(signatures(issuer.url).accessToken(uid, audience)), 401)
        await passTime(1)
        const proof = issuer.assertion(KEYS, '{}', audience)
        const answer = await post(KEYS, '{}', proof)
        t.same(await answer.json(), { kids: [issuer.kid] })
        await all(token, 401, 'every worker knows at its next request')
        await all(issuer.accessToken(uid, audience), 200, 'the key that took its place')
        t.equal((await pushKeys(stolen)).status, 401, 'a push by the withdrawn key')
        t.same(await (await post(KEYS, '{}', proof)).json(), { kids: [issuer.kid] }, 'repeated')
        await all(token, 401, 'which brings nothing back')
      })

      await t.test('a session that has ended', async (t) => {
        const [ended, other] = ['ended', 'other'].map((sid) =>
          issuer.accessToken(uid, audience, { sid }),
        )
        await all(ended ?? '', 200, 'before')
        const until = Math.floor(Date.now() / 1000) + 900
        const body = JSON.stringify({ sessions: [{ sid: 'ended', until }], users: [] })
        const proof = issuer.assertion(REVOCATIONS, body, audience)
        // Two bridges may say so at once.
        const answers = await Promise.all([1, 2].map(() => post(REVOCATIONS, body, proof)))
        t.same(
          answers.map(({ status }) => status),
          [200, 200],
        )
        await all(ended ?? '', 401, 'of the session that has ended')
        await all(other ?? '', 200, 'of another one')
      })

      await t.test('Odoo starts again while the bridge is down', async (t) => {
        const token = issuer.accessToken(uid, audience)
        await odoo.part.stop()
        issuer.isDown = true
        const before = issuer.fetches
        odoo = await start()
        await all(token, 200, 'a good token')
        await all(issuer.accessToken(uid, audience, { sid: 'ended' }), 401, 'of an ended session')
        t.equal(issuer.fetches, before, 'nobody is asked')
      })
    } finally {
      await odoo.part.stop()
      await issuer.close()
    }
  }),
)
