/** Clients of CLIENTS_FILE, and what they send, for the unit tests. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { ClientEntry } from '../src/clients/schema.ts'
import { PATHS, type OAuthTokenResponse } from '../src/contract/index.ts'
import { API_AUDIENCE, REDIRECT_URI, SAME_ORIGIN } from './helper.ts'

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** A secret as `client:new` makes it. */
export const SECRET = randomBytes(32).toString('base64url')

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A public client of the house, of the code flow, with some of its members changed. */
export const client = (change: Partial<ClientEntry> = {}): ClientEntry => ({
  client_id: 'an-app',
  first_party: true,
  redirect_uris: [REDIRECT_URI],
  scope: 'odoo.read odoo.write',
  resources: [API_AUDIENCE],
  ...change,
})

/** One with a secret. */
export const confidential = (change: Partial<ClientEntry> = {}): ClientEntry =>
  client({
    client_id: 'a-server',
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret_sha256: sha256(SECRET),
    ...change,
  })

/** A folder that is there until the test is over. */
export function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-clients-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Settings of a bridge with these clients. */
export function registering(t: Test, ...clients: ClientEntry[]) {
  const CLIENTS_FILE = join(folderOf(t), 'clients.json')
  writeFileSync(CLIENTS_FILE, JSON.stringify(clients))
  return { CLIENTS_FILE }
}

export const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(
    [id, secret].map((half) => encodeURIComponent(half).replaceAll('%20', '+')).join(':'),
  ).toString('base64')}`,
})

export const post = (
  app: FastifyInstance,
  path: string,
  body: Record<string, string> | string,
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: 'POST',
    url: path,
    headers: { ...FORM, ...headers },
    payload: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
  })

/** The authorization request of a client, answered by somebody who signs in at once. */
export async function authorizeAs(
  app: FastifyInstance,
  parameters: Record<string, string>,
  person = { login: 'demo', password: 'demo' },
) {
  const query = new URLSearchParams({
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    code_challenge_method: 'S256',
    ...parameters,
  })
  return post(app, `${PATHS.authorize}?${query.toString()}`, person, SAME_ORIGIN)
}

/** What redeems a fresh code of this client, beside its proof of who it is. */
export async function redemptionFor(
  app: FastifyInstance,
  client_id: string,
  parameters: Record<string, string> = {},
) {
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const answer = await authorizeAs(app, { client_id, code_challenge, ...parameters })
  const code = new URL(answer.headers.location ?? '').searchParams.get('code') ?? ''
  return {
    grant_type: 'authorization_code',
    client_id,
    redirect_uri: REDIRECT_URI,
    code_verifier,
    code,
  }
}

/** Tokens of the code flow. */
export async function tokensOf(
  app: FastifyInstance,
  client_id: string,
  headers: Record<string, string> = {},
): Promise<OAuthTokenResponse> {
  const answer = await post(app, PATHS.token, await redemptionFor(app, client_id), headers)
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json()
}
