import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { PATHS, type TokenResponse } from '@drawbridge/bridge/contract'
import { readStack, type Account, type RegisteredClient } from '../stack/description.ts'

/** What a token says, unverified. */
export const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >

/** A token as it is, with other claims and so with a signature that does not fit. */
export function withClaims(token: string, change: Record<string, unknown>): string {
  const [header, , signature] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...payloadOf(token), ...change })).toString(
    'base64url',
  )
  return [header, payload, signature].join('.')
}

/** What a browser adds to a request of a page of the issuer. */
const SAME_ORIGIN = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' }

/** Posts to `/auth/*` as the PWA's page would. */
export const postAuth = (path: string, body: object, cookie?: string): Promise<Response> =>
  fetch(readStack().issuer + path, {
    method: 'POST',
    headers: cookie === undefined ? SAME_ORIGIN : { ...SAME_ORIGIN, Cookie: cookie },
    body: JSON.stringify(body),
  })

/** Tokens for somebody, without a browser. */
export async function signIn({
  login,
  password,
}: Account): Promise<{ accessToken: string; cookie: string }> {
  const response = await postAuth(PATHS.login, { login, password })
  if (!response.ok) throw new Error(`Sign-in failed with ${response.status}.`)
  const { access_token } = (await response.json()) as TokenResponse
  return { accessToken: access_token, cookie: cookieOf(response) }
}

/** The refresh cookie that an answer sets, as a request sends it. */
export const cookieOf = (response: Response): string =>
  response.headers.getSetCookie()[0]?.split(';')[0] ?? ''

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

/** Waits until the gate calls a token expired: the only event here is time itself. */
export async function untilExpired(url: string, token: string): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    const response = await fetch(url, { headers: bearer(token) })
    await response.body?.cancel()
    if (response.headers.get('www-authenticate')?.includes('expired')) return
    await wait(250)
  }
  throw new Error('The token did not expire.')
}

/**
 * Waits until the gate refuses a token that is good otherwise.
 * @returns milliseconds
 * @throws Error when the token expires first
 */
export async function untilRefused(token: string): Promise<number> {
  const began = Date.now()
  for (;;) {
    // Behind the gate there is nothing here: a 401 is the gate's own, and not what Odoo says.
    const response = await fetch(`${readStack().issuer}/api/nothing`, { headers: bearer(token) })
    await response.body?.cancel()
    if (response.headers.get('www-authenticate')?.includes('expired')) {
      throw new Error('The token expired before the gate refused it.')
    }
    if (response.status === 401) return Date.now() - began
    // The gate is polled, as a client would meet it: there is no event to wait for.
    await wait(20)
  }
}

/** Tokens of a registered client, by the authorization code flow without a browser. */
export async function signInAt(client: RegisteredClient, account: Account): Promise<string> {
  const { issuer } = readStack()
  const { client_id, redirect_uris } = client
  const redirect_uri = redirect_uris[0] ?? ''
  const code_verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const signedIn = await fetch(`${issuer}${PATHS.authorize}?${query.toString()}`, {
    method: 'POST',
    headers: { 'Sec-Fetch-Site': 'same-origin' },
    body: new URLSearchParams({ ...account }),
    redirect: 'manual',
  })
  const location = new URL(signedIn.headers.get('location') ?? '')
  const code = location.searchParams.get('code') ?? ''
  const answer = await fetch(issuer + PATHS.token, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id,
      redirect_uri,
      code_verifier,
      code,
    }),
  })
  return ((await answer.json()) as TokenResponse).access_token
}
