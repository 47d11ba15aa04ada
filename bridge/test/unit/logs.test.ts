import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type Test } from 'tap'
import { PATHS, type OAuthTokenResponse, type TokenResponse } from '../../src/contract/index.ts'
import { ASSERTION_TYPE } from '../../src/oauth/client-credentials.ts'
import { startFakeOdoo } from '../fake-odoo.ts'
import {
  accessClaims,
  API_AUDIENCE,
  COOKIE,
  GATE_CREDENTIAL,
  gateHeaders,
  ISSUER,
  REDIRECT_URI,
  SAME_ORIGIN,
} from '../helper.ts'

const SERVER = join(import.meta.dirname, '../../src/server.ts')
const SECRET_ID = randomBytes(16).toString('hex')

/** The bridge as a process of its own, with all that it writes. */
async function startProcess(t: Test, settings: Record<string, string> = {}) {
  const odoo = await startFakeOdoo()
  const folder = t.testdir({
    credential: GATE_CREDENTIAL,
    'secret-id': SECRET_ID,
    'clients.json': JSON.stringify([
      {
        client_id: 'other-app',
        first_party: true,
        client_name: 'Other app',
        redirect_uris: [REDIRECT_URI],
        scope: 'odoo.read',
        resources: [API_AUDIENCE],
      },
    ]),
  })
  const keyFile = join(folder, 'keys.json')
  const child = spawn(process.execPath, [SERVER], {
    env: {
      ISSUER,
      PORT: '0',
      ODOO_URL: odoo.url,
      ODOO_DATABASE: 'drawbridge',
      ODOO_DATABASE_UUID: 'the-uuid',
      KEY_CUSTODY: 'file',
      KEY_FILE: keyFile,
      SQLITE_FILE: join(folder, 'sessions.sqlite'),
      GATE_CREDENTIAL_FILE: join(folder, 'credential'),
      CLIENTS_FILE: join(folder, 'clients.json'),
      VAULT_SECRET_ID_FILE: join(folder, 'secret-id'),
      LOG_LEVEL: 'trace',
      SIGN_IN_FLOOR: '0.01',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await odoo.close()
  })
  const written: string[] = []
  child.stderr.on('data', (chunk: Buffer) => written.push(chunk.toString()))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      written.push(line)
      const address = /Server listening at (http:[^"]+)"/.exec(line)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('exit', () => {
      reject(new Error(written.join('\n')))
    })
  })
  const stop = async (): Promise<string> => {
    const ended = once(child, 'close')
    child.kill('SIGTERM')
    await ended
    return written.join('\n')
  }
  return { url, odoo, keyFile, stop }
}

/** Secrets by what they are; for a token, its signature too. */
function createSecrets() {
  const known = new Map<string, string>()
  const add = (what: string, value: string): string => {
    if (value.length < 8) throw new Error(`${what} is too short to be looked for: ${value}`)
    known.set(what, value)
    const signature = value.split('.')[2]
    if (signature) known.set(`${what}, its signature`, signature)
    return value
  }
  return { known, add }
}

const json = { ...SAME_ORIGIN, 'content-type': 'application/json' }
const form = { ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' }

test('a whole life of the bridge, at the most talkative level: no secret in its log', async (t) => {
  const { url, odoo, keyFile, stop } = await startProcess(t)
  const { known, add } = createSecrets()
  const post = (path: string, headers: Record<string, string>, body: string) =>
    fetch(new URL(path, url), { method: 'POST', headers, body, redirect: 'manual' })
  const login = (password: string) =>
    post(PATHS.login, json, JSON.stringify({ login: 'demo', password }))
  const cookieOf = (answer: Response): string =>
    new RegExp(`${COOKIE}=([^;]*)`).exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? ''
  const withCookie = (token: string) => ({ ...json, cookie: `${COOKIE}=${token}` })
  const file = JSON.parse(readFileSync(keyFile, 'utf8')) as Record<string, string>
  for (const [name, value] of Object.entries(file)) {
    const secret = value.replace(/-----[^-]+-----/g, '').trim()
    if (secret.length > 20) add(`key file: ${name}`, secret.split('\n')[0] ?? '')
  }
  add('gate credential', GATE_CREDENTIAL)

  // Sign-in, refresh, reuse.
  const signedIn = await login('demo')
  t.equal(signedIn.status, 200)
  const { access_token } = (await signedIn.json()) as TokenResponse
  add('access token', access_token)
  const first = add('refresh token', cookieOf(signedIn))
  const wrong = await login(add('wrong password', randomBytes(12).toString('hex')))
  t.equal(wrong.status, 401)
  // Node's own message quotes the text around a mistake.
  const broken = add('password in broken JSON', randomBytes(12).toString('hex'))
  t.equal((await post(PATHS.login, json, `{"login":"demo","password":${broken}`)).status, 400)
  t.equal((await post(PATHS.login, json, `{"password":"${broken}","login":7}`)).status, 400)
  t.equal((await post(PATHS.login, json, `{"${broken}":1}`)).status, 400)
  const headers = gateHeaders(accessClaims(access_token))
  t.equal((await fetch(new URL(PATHS.protectedData, url), { headers })).status, 200)
  const authorization = `Bearer ${GATE_CREDENTIAL}`
  const question = JSON.stringify({ token: access_token, audience: API_AUDIENCE })
  t.equal((await post(PATHS.validate, { ...json, authorization }, question)).status, 200)
  const mine = { headers: { authorization: `Bearer ${access_token}` } }
  t.equal((await fetch(new URL(PATHS.sessions, url), mine)).status, 200)
  const second = add(
    'next refresh token',
    cookieOf(await post(PATHS.refresh, withCookie(first), '{}')),
  )
  add('third refresh token', cookieOf(await post(PATHS.refresh, withCookie(second), '{}')))
  t.equal((await post(PATHS.refresh, withCookie(first), '{}')).status, 401, 'reuse')

  // Another app.
  const verifier = add('code verifier', randomBytes(32).toString('base64url'))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    state: add('state', randomBytes(12).toString('hex')),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const credentials = new URLSearchParams({ login: 'demo', password: 'demo' }).toString()
  const redirect = await post(`${PATHS.authorize}?${query}`, form, credentials)
  t.equal(redirect.status, 303)
  const code = new URL(redirect.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const redemption = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: 'other-app',
    redirect_uri: REDIRECT_URI,
    code: add('code', code),
    code_verifier: verifier,
  }).toString()
  const tokens = (await (await post(PATHS.token, form, redemption)).json()) as OAuthTokenResponse
  add("the app's access token", tokens.access_token)
  add("the app's refresh token", tokens.refresh_token)
  t.equal((await post(PATHS.token, form, redemption)).status, 400, 'a code used twice')

  // Who does not prove which app it is.
  const secret = add('client secret', randomBytes(32).toString('base64url'))
  const assertion = add('client assertion', `e30.e30.${randomBytes(32).toString('base64url')}`)
  const basic = `Basic ${add('Basic credential', Buffer.from(`other-app:${secret}`).toString('base64'))}`
  const grant = { grant_type: 'refresh_token', refresh_token: 'x' }
  const proofs: [Record<string, string>, Record<string, string>][] = [
    [{}, { authorization: basic }],
    [{ client_id: 'other-app', client_secret: secret }, {}],
    [{ client_secret: secret }, { authorization: basic }],
    [{ client_assertion: assertion, client_assertion_type: ASSERTION_TYPE }, {}],
  ]
  for (const [body, proof] of proofs) {
    const asked = new URLSearchParams({ ...grant, ...body }).toString()
    const { status } = await post(PATHS.token, { ...form, ...proof }, asked)
    t.ok([400, 401].includes(status), `${status}`)
  }

  // Faults.
  const again = await login('demo')
  const claims = accessClaims(((await again.json()) as TokenResponse).access_token)
  const last = add('last refresh token', cookieOf(again))
  odoo.failWith = 502
  t.equal((await login('demo')).status, 503)
  const broke = await fetch(new URL(PATHS.protectedData, url), { headers: gateHeaders(claims) })
  t.equal(broke.status, 503)
  t.equal((await fetch(new URL('/readyz', url))).status, 503)
  t.equal((await post(PATHS.logout, withCookie(last), '{}')).status, 204)

  for (const id of odoo.sessions) known.set(`session at Odoo ${id}`, id)
  for (const { headers } of odoo.calls) {
    if (headers.cookie) known.set(`${headers.cookie} for Odoo`, headers.cookie)
  }
  const log = await stop()
  t.match(log, '"reason":"logout"')
  t.match(log, 'refresh token reused')
  t.match(log, '"path":"/oauth/authorize"')
  for (const [what, value] of known) t.notOk(log.includes(value), `${what} is not in the log`)
  t.notMatch(log, /"password"|"authorization"|"cookie"/i, 'nor any field that would hold one')
})

test('keys that cannot be had: nothing of the way to them is in the log', async (t) => {
  const { url, stop } = await startProcess(t, {
    KEY_CUSTODY: 'fetched',
    // The port of nobody.
    VAULT_ADDR: 'http://127.0.0.1:1',
    VAULT_ROLE_ID: 'the-role',
  })
  const answer = await fetch(new URL(PATHS.login, url), {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ login: 'demo', password: 'demo' }),
  })
  t.equal(answer.status, 503)
  t.match(await answer.json(), { error: 'keys_unavailable' })
  const log = await stop()
  t.match(log, 'keys_unavailable')
  t.notOk(log.includes(SECRET_ID), 'the secret id')
  t.notOk(log.includes(GATE_CREDENTIAL), 'the gate credential')
  t.notMatch(log, /session-\d/, 'the session that Odoo had given')
})
