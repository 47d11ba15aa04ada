/** Codes by e-mail: a real Odoo sends one, a real bridge takes it, and Odoo's own limits hold. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  PATHS,
  type AccessTokenClaims,
  type ErrorResponse,
  type TokenResponse,
} from '@drawbridge/bridge/contract'
import t from 'tap'
import { withOdooData } from '../stack/odoo-data.ts'
import { databaseUuid, startOdoo, type OdooOptions } from '../stack/parts/odoo.ts'
import { ODOO_DATABASE } from '../stack/parts/postgresql.ts'
import { REPOSITORY } from '../stack/paths.ts'
import { freePort } from '../stack/ports.ts'
import { answers, contained, startPart, untilReady, type Part } from '../stack/process.ts'
import { startMailbox } from '../support/mailbox.ts'
import { odooSession } from '../support/odoo-session.ts'
import { makePerson, type Person } from '../support/people.ts'
import { payloadOf } from '../support/tokens.ts'

const ADMIN = { login: 'admin', password: 'admin' }
/** Wrong codes of one user that Odoo takes in an hour. @see auth_totp, TOTP_RATE_LIMITS */
const TRIES = 5

interface Bridge {
  part: Part
  /** Signs in as the gate passes it on. @param address of the browser */
  signIn(
    person: Person,
    totp?: string,
    address?: string,
  ): Promise<{ error?: string; amr?: string[] }>
}

/** Starts a bridge that is paired with an Odoo by the addon. */
async function startBridge(
  folder: string,
  port: number,
  odoo: { url: string; uuid: string },
): Promise<Bridge> {
  writeFileSync(join(folder, 'gate-credential'), randomBytes(32).toString('base64url'))
  const url = `http://127.0.0.1:${port}`
  const part = startPart({
    name: 'bridge',
    logFile: join(folder, 'bridge.log'),
    command: contained([process.execPath, join(REPOSITORY, 'bridge/src/server.ts')]),
    env: {
      ISSUER: url,
      PORT: String(port),
      ODOO_ADAPTER: 'addon',
      ODOO_URL: odoo.url,
      ODOO_DATABASE,
      ODOO_DATABASE_UUID: odoo.uuid,
      KEY_CUSTODY: 'file',
      KEY_FILE: join(folder, 'keys.json'),
      SQLITE_FILE: join(folder, 'sessions.sqlite'),
      GATE_CREDENTIAL_FILE: join(folder, 'gate-credential'),
      SIGN_IN_FLOOR: '0.01',
    },
  })
  await untilReady(part, answers(`${url}/readyz`)).catch(async (error: unknown) => {
    await part.stop()
    throw error
  })
  return {
    part,
    async signIn({ login, password }, totp, address = '198.51.100.1') {
      const response = await fetch(url + PATHS.login, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'Sec-Fetch-Site': 'same-origin',
          'X-Forwarded-For': address,
        },
        body: JSON.stringify({ login, password, totp }),
      })
      const body = (await response.json()) as TokenResponse | ErrorResponse
      if ('error' in body) return { error: body.error }
      return { amr: (payloadOf(body.access_token) as unknown as AccessTokenClaims).amr }
    },
  }
}

/** Does something with an Odoo that asks internal users for a code by e-mail, and with its bridge. */
async function withCodesByMail(
  options: OdooOptions,
  task: (parts: {
    bridge: Bridge
    /** Signs in without a code, and reads the one that comes. */
    codeFor: (person: Person) => Promise<string>
    internal: [Person, Person]
    portal: Person
  }) => Promise<void>,
): Promise<void> {
  const { postgresql } = options
  const folder = dirname(options.folder)
  const mailbox = await startMailbox()
  const odoo = await startOdoo({ ...options, logFile: join(folder, 'odoo.log') })
  try {
    const url = `http://127.0.0.1:${odoo.port}`
    const admin = await odooSession(ADMIN, { url, database: ODOO_DATABASE })
    const internal: [Person, Person] = [await makePerson(admin), await makePerson(admin)]
    const portal = await makePerson(admin, 'base.group_portal')
    const server = { smtp_host: '127.0.0.1', smtp_port: mailbox.port, smtp_encryption: 'none' }
    await admin.call('ir.mail_server', 'create', [[{ name: 'a mailbox', ...server }]])
    const set = (key: string, value: string) =>
      admin.call('ir.config_parameter', 'set_param', [key, value])
    await set('auth_totp.policy', 'employee_required')
    const port = await freePort()
    await set('auth_drawbridge.issuer', `http://127.0.0.1:${port}`)
    const bridge = await startBridge(folder, port, {
      url,
      uuid: await databaseUuid(postgresql),
    })
    try {
      // Odoo also writes that a new device was used.
      const codeFor = (person: Person): Promise<string> =>
        mailbox.find(person.email, /\b\d{6}\b/, async () => {
          const { error } = await bridge.signIn(person)
          if (error !== 'mfa_required') throw new Error(`The bridge answered ${error ?? 'tokens'}.`)
        })
      await task({ bridge, codeFor, internal, portal })
    } finally {
      await bridge.part.stop()
    }
  } finally {
    await odoo.part.stop()
    await mailbox.close()
  }
}

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

await t.test('codes by e-mail', { timeout: 120_000 }, (t) =>
  withOdooData('mail-code', (options) =>
    withCodesByMail(options, async ({ bridge, codeFor, internal: [person, guessed], portal }) => {
      const code = await codeFor(person)
      t.same(await bridge.signIn(person, wrong(code)), { error: 'invalid_totp' }, 'a wrong code')
      t.same(
        await bridge.signIn({ ...person, password: 'another' }, code),
        { error: 'invalid_credentials' },
        'the code alone opens nothing',
      )
      t.same(
        await bridge.signIn(guessed, code),
        { error: 'invalid_totp' },
        'nor does it open anything of somebody else',
      )
      t.same(await bridge.signIn(person, code), { amr: ['pwd', 'otp', 'mfa'] })
      t.same(await bridge.signIn(person, code), { error: 'invalid_totp' }, 'each code once')

      const first = await codeFor(person)
      const second = await codeFor(person)
      t.not(first, second, 'each sign-in has a code of its own')
      t.same(await bridge.signIn(person, first), { error: 'invalid_totp' }, 'the newest counts')
      t.same(await bridge.signIn(person, second), { amr: ['pwd', 'otp', 'mfa'] })

      const right = await codeFor(guessed)
      for (let tries = 1; tries < TRIES; tries++) {
        // The guesser comes from everywhere, so that no limit of an address stops them first.
        const answer = await bridge.signIn(guessed, wrong(right), `203.0.113.${tries}`)
        t.same(answer, { error: 'invalid_totp' }, 'a guess')
      }
      t.same(
        await bridge.signIn(guessed, right, '203.0.113.99'),
        { error: 'invalid_totp' },
        'after so many even the right one is none',
      )
      t.same(await bridge.signIn(portal), { amr: ['pwd'] }, 'whom the policy does not ask')
    }),
  ),
)
