import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { odooSession } from './support/odoo-session.ts'
import { bearer, postAuth, signIn } from './support/tokens.ts'

// Named to run last: what stands in the logs by now is that of all suites on this stack.

const stack = readStack()
const { inside, accounts } = stack

const secretsOf = (file: string): string[] =>
  (existsSync(file) ? readFileSync(file, 'utf8') : '').match(/[\w+/=.-]{20,}/g) ?? []

test('no log of any part holds a token, a password, a credential or a key', async () => {
  const { accessToken, cookie } = await signIn(accounts.demo)
  await fetch(stack.issuer + PATHS.protectedData, { headers: bearer(accessToken) })
  await postAuth(PATHS.refresh, {}, cookie)
  await postAuth(PATHS.login, { ...accounts.demo, password: 'swordfish-42' })

  const admin = await odooSession(accounts.admin)
  const eventKey = (await admin.call('ir.config_parameter', 'get_param', [
    'auth_drawbridge.event_key',
  ])) as string

  const secrets = [
    (JSON.parse(eventKey) as { d: string }).d,
    'swordfish-42',
    'not the password',
    ...stack.clients.flatMap(({ client_secret }) => client_secret ?? []),
    decodeURIComponent(new URL(inside.bridgeDatabaseUrl).password),
    ...[inside.gateCredentialFile, inside.vault.secretIdFile, inside.vault.initFile].flatMap(
      secretsOf,
    ),
  ]
  expect(secrets.length).toBeGreaterThan(5)
  const folder = dirname(stack.parts[0]?.logFile ?? '')
  const logs = readdirSync(folder)
  expect(logs).toEqual(
    expect.arrayContaining(['access.log', 'bridge.log', 'nginx.log', 'odoo.log']),
  )
  for (const name of logs) {
    const log = readFileSync(join(folder, name), 'utf8')
    // Whole or in part: payload and signature are what opens doors.
    const token = /eyJ[\w-]{10,}\.(eyJ)?[\w-]{20,}/.exec(log)?.[0]
    expect(token, `a token in ${name}`).toBe(undefined)
    const found = secrets.filter((secret) => log.includes(secret))
    expect(found, `secrets in ${name}`).toEqual([])
  }
  expect(readFileSync(join(folder, 'bridge.log'), 'utf8')).toContain('signed in')
})
