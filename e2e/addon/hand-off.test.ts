/** "Continue with Odoo" with two workers of Odoo: what several of them do at the same time. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { odooAudience } from '@drawbridge/bridge/contract'
import t from 'tap'
import { withOdooData } from '../stack/odoo-data.ts'
import { databaseUuid, setParameters, startOdoo } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { startIssuer } from '../support/issuer.ts'
import { odooSession } from '../support/odoo-session.ts'
import { bearer } from '../support/tokens.ts'

const REDEEMS = 20
const ROUNDS = 3
const SIGN_OUTS = 8
const DEMO = { login: 'demo', password: 'demo' }
const PORTAL = { login: 'portal', password: 'portal' }
const ADMIN = { login: 'admin', password: 'admin' }

interface Event {
  id: string
  uids?: number[]
  browsers?: string[]
}

/** Takes events on a free port of 127.0.0.1, and hands each to whoever waits. */
async function startReceiver(onEvent: (event: Event) => void) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.writeHead(204).end()
      onEvent(JSON.parse(Buffer.concat(chunks).toString()) as Event)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The workers that answered requests to a path, by Odoo's log. */
function workersIn(log: string, path: string): Set<string> {
  const lines = log.matchAll(/^\S+ \S+ (\d+) .*"POST (\S+) HTTP/gm)
  return new Set([...lines].filter(([, , asked]) => asked === path).map(([, id = '']) => id))
}

await t.test('several workers', { timeout: 120_000 }, (t) =>
  withOdooData('hand-off', async (options) => {
    const { postgresql } = options
    const issuer = await startIssuer()
    let told = Promise.withResolvers<Event>()
    const receiver = await startReceiver((event) => {
      told.resolve(event)
    })
    await setParameters(postgresql, {
      'auth_drawbridge.issuer': issuer.url,
      'auth_drawbridge.bridge_url': receiver.url,
    })
    const logFile = join(dirname(options.folder), 'odoo.log')
    const odoo = await startOdoo({ ...options, logFile, workers: 2 })
    try {
      const url = `http://127.0.0.1:${odoo.port}`
      const audience = odooAudience(await databaseUuid(postgresql))
      const ask = async <Answer>(name: string, parameters: object): Promise<Answer> => {
        const path = `/auth_drawbridge/1/${name}`
        const body = JSON.stringify(parameters)
        const response = await fetch(url + path, {
          method: 'POST',
          headers: {
            ...bearer(issuer.assertion(path, body, audience)),
            'Content-Type': 'application/json',
          },
          body,
        })
        if (!response.ok) throw new Error(`${name}: ${response.status}`)
        return (await response.json()) as Answer
      }
      const handOff = async (cookie: string) => {
        const code_verifier = randomBytes(32).toString('base64url')
        const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
        const state = randomBytes(32).toString('base64url')
        const query = new URLSearchParams({ state, code_challenge })
        const response = await fetch(`${url}/auth_drawbridge/continue?${query}`, {
          headers: { Cookie: cookie },
          redirect: 'manual',
        })
        const location = new URL(response.headers.get('location') ?? '', url)
        t.equal(location.origin + location.pathname, `${issuer.url}/auth/continue/odoo/callback`)
        t.equal(location.searchParams.get('state'), state)
        return { code: location.searchParams.get('code') ?? '', code_verifier }
      }
      // With it comes the key of the events.
      await ask('hello', {})

      await t.test(`one of ${REDEEMS} who redeem a code at once gets it`, async (t) => {
        const session = await odooSession(DEMO, { url, database: ODOO_DATABASE })
        const begin = (await readFile(logFile)).length
        for (let round = 0; round < ROUNDS; round += 1) {
          const code = await handOff(session.cookie)
          const answers = await Promise.all(
            Array.from({ length: REDEEMS }, () => ask<{ outcome: string }>('redeem', code)),
          )
          const outcomes = answers.map(({ outcome }) => outcome).sort()
          t.same(outcomes, [...Array<string>(REDEEMS - 1).fill('denied'), 'identity'])
          t.same(await ask('redeem', code), { outcome: 'denied' }, 'and nobody later')
        }
        const log = (await readFile(logFile)).subarray(begin).toString()
        t.equal(workersIn(log, '/auth_drawbridge/1/redeem').size, 2, 'both workers were asked')
      })

      await t.test('when the bridge is told of a sign-out, it is recorded', async (t) => {
        const session = await odooSession(DEMO, { url, database: ODOO_DATABASE })
        const code = await handOff(session.cookie)
        const { browser, uid } = await ask<{ browser: string; uid: number }>('redeem', code)
        t.same(await ask('browsers', { browsers: [browser] }), { signed_out: [] })
        told = Promise.withResolvers<Event>()
        // At once, as the bridge does, whether or not Odoo has answered the browser by then.
        const asked = told.promise.then(async (event) => {
          t.same(event, { id: event.id, browsers: [browser] })
          t.same(await ask('browsers', { browsers: [browser] }), { signed_out: [browser] })
        })
        await fetch(`${url}/web/session/logout`, {
          headers: { Cookie: session.cookie },
          redirect: 'manual',
        })
        await asked
        t.same(await ask('sign_out', { browser, uid }), { ended: false })
      })

      await t.test('out of all devices: one event tells of user and session', async (t) => {
        const session = await odooSession(PORTAL, { url, database: ODOO_DATABASE })
        const admin = await odooSession(ADMIN, { url, database: ODOO_DATABASE })
        const code = await handOff(session.cookie)
        const { browser, uid } = await ask<{ browser: string; uid: number }>('redeem', code)
        told = Promise.withResolvers<Event>()
        // Odoo asks for the password first.
        const wizard = (await admin.call('res.users', 'action_revoke_all_devices', [[uid]])) as {
          res_model: string
          res_id: number
        }
        await admin.call(wizard.res_model, 'run_check', [[wizard.res_id]], {
          password: ADMIN.password,
        })
        const event = await told.promise
        t.same(event, { id: event.id, uids: [uid], browsers: [browser] })
        t.same(await ask('browsers', { browsers: [browser] }), { signed_out: [browser] })
      })

      await t.test('many who sign out of one session at once', async (t) => {
        const begin = (await readFile(logFile)).length
        for (let round = 0; round < ROUNDS; round += 1) {
          const session = await odooSession(DEMO, { url, database: ODOO_DATABASE })
          const code = await handOff(session.cookie)
          const { browser } = await ask<{ browser: string }>('redeem', code)
          await Promise.all(
            Array.from({ length: SIGN_OUTS }, () =>
              fetch(`${url}/web/session/logout`, {
                headers: { Cookie: session.cookie },
                redirect: 'manual',
              }),
            ),
          )
          t.same(await ask('browsers', { browsers: [browser] }), { signed_out: [browser] })
        }
        const log = (await readFile(logFile)).subarray(begin).toString()
        t.notMatch(log, /(?: ERROR | WARNING )/, 'none of them in the way of another')
      })

      await t.test('signed out by the bridge, by every worker', async (t) => {
        const session = await odooSession(DEMO, { url, database: ODOO_DATABASE })
        const code = await handOff(session.cookie)
        const { browser, uid } = await ask<{ browser: string; uid: number }>('redeem', code)
        t.same(await ask('sign_out', { browser, uid }), { ended: true })
        for (const { headers } of await Promise.all(
          Array.from({ length: 8 }, () =>
            fetch(`${url}/auth_drawbridge/continue`, {
              headers: { Cookie: session.cookie },
              redirect: 'manual',
            }),
          ),
        )) {
          t.match(headers.get('location'), '/web/login')
        }
      })
    } finally {
      await odoo.part.stop()
      await receiver.close()
      await issuer.close()
    }
  }),
)
