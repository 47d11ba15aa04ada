import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import type { ClientEntry } from '../../src/clients/schema.ts'
import { PATHS } from '../../src/contract/index.ts'
import { ISSUER, REDIRECT_URI, startBridge } from '../helper.ts'
import { basic, post, redemptionFor, registering, sha256 } from '../registered-clients.ts'

const COMMAND = join(import.meta.dirname, '../../src/client-command.ts')

/** What the command prints: an entry, the settings for the other side, and what went wrong. */
async function run(...parameters: string[]) {
  const done = promisify(execFile)(process.execPath, [COMMAND, ...parameters], {
    env: { ISSUER },
  })
  const { stdout, stderr, code } = await done.then(
    (output) => ({ ...output, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: number },
  )
  const entry = /^\{$.*?^\}$/ms.exec(stdout)?.[0]
  const settings = [...stdout.matchAll(/^ {2}([A-Z][^:]+): +(\S+)/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  return {
    entry: JSON.parse(entry ?? 'null') as ClientEntry,
    settings: new Map(settings),
    stdout,
    stderr,
    code,
  }
}

test('what is printed works as it is, on both sides', async (t) => {
  const { entry, settings } = await run(
    ...['--name', 'Grafana (Berlin)', '--redirect-uri', REDIRECT_URI],
    ...['--confidential', '--first-party'],
  )
  t.match(entry, { client_id: 'grafana-berlin', client_name: 'Grafana (Berlin)' })
  const secret = settings.get('Client secret') ?? ''
  t.equal(Buffer.from(secret, 'base64url').length, 32, '256 random bits')
  t.equal(entry.client_secret_sha256, sha256(secret))
  t.notMatch(JSON.stringify(entry), secret, 'the file has the hash alone')

  const { app } = await startBridge(t, registering(t, entry))
  const id = settings.get('Client ID') ?? ''
  const redemption = await redemptionFor(app, id)
  const answer = await post(app, PATHS.token, redemption, basic(id, secret))
  t.equal(answer.statusCode, 200)
  const metadata = (
    await app.inject({ url: new URL(settings.get('Metadata') ?? '').pathname })
  ).json<Record<string, string>>()
  t.equal(settings.get('Issuer'), metadata['issuer'])
  t.equal(settings.get('Authorization endpoint'), metadata['authorization_endpoint'])
  t.equal(settings.get('Token endpoint'), metadata['token_endpoint'])
  t.equal(settings.get('Userinfo endpoint'), metadata['userinfo_endpoint'])
  t.equal(settings.get('Sign-out endpoint'), metadata['end_session_endpoint'])
  t.equal(settings.get('Keys (JWKS)'), metadata['jwks_uri'])
})

test('the algorithm of ID tokens stands in the entry, and among the settings', async (t) => {
  const common = ['--name', 'Old', '--redirect-uri', REDIRECT_URI, '--id-token-alg']
  const { entry, settings } = await run(...common, 'RS256')
  t.equal(entry.id_token_signed_response_alg, 'RS256')
  t.equal(settings.get('ID token algorithm'), 'RS256')
  const wrong = await run(...common, 'HS256')
  t.equal(wrong.code, 1)
  t.match(wrong.stderr, /id_token_signed_response_alg: expected ES256 or RS256/)
})

test('an app without a secret, and a machine', async (t) => {
  const told = 'https://app.example/logged-out'
  const app = await run(
    ...['--name', 'App', '--redirect-uri', REDIRECT_URI, '--backchannel-logout-uri', told],
  )
  t.match(app.entry, { token_endpoint_auth_method: 'none', redirect_uris: [REDIRECT_URI] })
  t.equal(app.entry.backchannel_logout_uri, told)
  t.notOk(app.settings.has('Client secret'))
  t.equal(app.settings.get('PKCE'), 'S256')
  const machine = await run('--name', 'Export', '--odoo-login', 'bot', '--group', 'base.group_user')
  t.match(machine.entry, {
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    odoo_login: 'bot',
    groups: ['base.group_user'],
  })
  t.notOk(machine.settings.has('Authorization endpoint'))
})

test('what would not work is not printed', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /--name .* needed/],
    [['--nam', 'x'], /Usage:/],
    [['--name', 'App'], /redirect_uris: expected one at least/],
    [['--name', 'App', '--redirect-uri', 'http://app.example'], /redirect_uris\[0\]: expected/],
    [['--name', 'App', '--redirect-uri', REDIRECT_URI, '--no-pkce'], /require_pkce: expected true/],
    [['--name', 'App', '--redirect-uri', REDIRECT_URI, '--issuer', 'x'], /--issuer/],
  ]
  for (const [parameters, sentence] of wrong) {
    const { code, stdout, stderr } = await run(...parameters)
    t.equal(code, 1, parameters.join(' '))
    t.equal(stdout, '')
    t.match(stderr, sentence)
  }
})
