import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import {
  GATE_HEADERS,
  PATHS,
  type AccessTokenClaims,
  type ErrorResponse,
  type RefreshTokenClaims,
  type TokenResponse,
} from '../src/contract/index.ts'
import { checkAnswers } from './answers.ts'
import { startFakeOdoo, type FakeOdoo } from './fake-odoo.ts'

export const ISSUER = 'http://localhost:8080'
export const API_AUDIENCE = `${ISSUER}/api`
export const GATE_CREDENTIAL = randomBytes(32).toString('base64url')
export const REDIRECT_URI = 'http://127.0.0.1:8090/callback.html'
export const COOKIE = 'drawbridge_refresh'

/** What a browser sends with a request of a page of the issuer. */
export const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

/** Where apps go after signing out. */
export const AFTERWARDS = 'http://127.0.0.1:8090/bye.html'

/** Two apps of the house, and one whose users are asked. */
const CLIENTS = ['other-app', 'third-app', 'asking-app'].map((client_id) => ({
  client_id,
  client_name: 'Other app',
  redirect_uris: [REDIRECT_URI],
  post_logout_redirect_uris: [AFTERWARDS],
  scope: 'odoo.read',
  resources: [API_AUDIENCE],
  first_party: client_id !== 'asking-app',
}))

export interface TestBridge {
  app: FastifyInstance
  odoo: FakeOdoo
  files: { sqlite: string; keys: string }
}

/** The real application on SQLite and keys in a file, with a fake Odoo behind it. */
export async function startBridge(
  t: Test,
  settings: Record<string, string> = {},
): Promise<TestBridge> {
  const odoo = await startFakeOdoo()
  const folder = t.testdir({
    credential: GATE_CREDENTIAL,
    'clients.json': JSON.stringify(CLIENTS),
  })
  const files = { sqlite: join(folder, 'sessions.sqlite'), keys: join(folder, 'keys.json') }
  const app = await buildApp(
    loadConfig({
      ISSUER,
      ODOO_URL: odoo.url,
      ODOO_DATABASE: 'drawbridge',
      ODOO_DATABASE_UUID: 'the-uuid',
      KEY_CUSTODY: 'file',
      KEY_FILE: files.keys,
      SQLITE_FILE: files.sqlite,
      GATE_CREDENTIAL_FILE: join(folder, 'credential'),
      CLIENTS_FILE: join(folder, 'clients.json'),
      LOG_LEVEL: 'silent',
      SIGN_IN_FLOOR: '0.01',
      ...settings,
    }),
  )
  checkAnswers(app)
  t.teardown(async () => {
    await app.close()
    await odoo.close()
  })
  return { app, odoo, files }
}

export const login = (app: FastifyInstance, body: object = { login: 'demo', password: 'demo' }) =>
  app.inject({ method: 'POST', url: PATHS.login, headers: SAME_ORIGIN, payload: body })

/** The refresh token that an answer sets, with the cookie's attributes. */
export const cookieOf = (response: LightMyRequestResponse) =>
  response.cookies.find(({ name }) => name.endsWith(COOKIE))

export const refreshTokenOf = (response: LightMyRequestResponse): string =>
  cookieOf(response)?.value ?? ''

export const accessTokenOf = (response: LightMyRequestResponse): string =>
  response.json<TokenResponse>().access_token

export const refresh = (app: FastifyInstance, token: string) =>
  app.inject({
    method: 'POST',
    url: PATHS.refresh,
    headers: SAME_ORIGIN,
    cookies: { [COOKIE]: token },
    payload: {},
  })

export const logout = (app: FastifyInstance, token: string) =>
  app.inject({
    method: 'POST',
    url: PATHS.logout,
    headers: SAME_ORIGIN,
    cookies: { [COOKIE]: token },
    payload: {},
  })

export const validate = (app: FastifyInstance, token: string, audience = API_AUDIENCE) =>
  app.inject({
    method: 'POST',
    url: PATHS.validate,
    headers: { authorization: `Bearer ${GATE_CREDENTIAL}` },
    payload: { token, audience },
  })

const payloadOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** What an access token says, unverified. */
export const accessClaims = (token: string) => payloadOf(token) as AccessTokenClaims

/** What a refresh token says, unverified. */
export const refreshClaims = (token: string) => payloadOf(token) as RefreshTokenClaims

/** The code of a refusal. */
export const errorOf = (response: LightMyRequestResponse): string =>
  response.json<ErrorResponse>().error

/** What the gate adds to a request with a valid token of this session. */
export const gateHeaders = (claims: { iss: string; sid: string; sub: string; scope: string }) => ({
  [GATE_HEADERS.credential]: GATE_CREDENTIAL,
  [GATE_HEADERS.iss]: claims.iss,
  [GATE_HEADERS.sid]: claims.sid,
  [GATE_HEADERS.sub]: claims.sub,
  [GATE_HEADERS.scope]: claims.scope,
})

/**
 * Puts the time when Odoo was last asked about each session back.
 * @param file of the SQLite database
 */
export function ageChecks(file: string, seconds: number): void {
  const database = new DatabaseSync(file)
  database.prepare('UPDATE sessions SET odoo_checked_at = odoo_checked_at - ?').run(seconds * 1000)
  database.close()
}

/** Lets the last rotation of all sessions lie further in the past. */
export function ageRotations(file: string, seconds: number): void {
  const database = new DatabaseSync(file)
  database.prepare('UPDATE sessions SET rotated_at = rotated_at - ?').run(seconds * 1000)
  database.close()
}
