/** An app that signs its users in at the bridge, for the unit tests: code, PKCE, tokens. */
import { createHash, randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { PATHS, type IdTokenClaims, type OAuthTokenResponse } from '../src/contract/index.ts'
import { REDIRECT_URI, SAME_ORIGIN } from './helper.ts'
import { startPairedBridge } from './paired-bridge.ts'

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

const VERIFIER = randomBytes(32).toString('base64url')

/** What goes into a request; undefined leaves a parameter out. */
export type Change = Record<string, string | undefined>

const REQUEST = {
  response_type: 'code',
  client_id: 'other-app',
  redirect_uri: REDIRECT_URI,
  scope: 'openid',
  state: 'the state',
  nonce: 'the nonce',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
}

/** The address of an authorization request. */
export function requestUrl(change: Change = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...REQUEST, ...change } as Change)) {
    if (value !== undefined) parameters.set(name, value)
  }
  return `${PATHS.authorize}?${parameters.toString()}`
}

/** A browser: it keeps the bridge's cookies. */
export function openBrowser(app: FastifyInstance) {
  const cookies: Record<string, string> = {}
  const keep = (response: LightMyRequestResponse) => {
    for (const { name, value, maxAge } of response.cookies) {
      if (maxAge === 0 || value === '') Reflect.deleteProperty(cookies, name)
      else cookies[name] = value
    }
    return response
  }
  return {
    cookies,
    open: async (url: string) => keep(await app.inject({ url, cookies })),
    /** What a form of the bridge's own page sends. */
    send: async (url: string, fields: Record<string, string>, headers: object = SAME_ORIGIN) =>
      keep(
        await app.inject({
          method: 'POST',
          url,
          cookies,
          headers: { ...FORM, ...headers },
          payload: new URLSearchParams(fields).toString(),
        }),
      ),
  }
}

/** The parameters with which somebody is led back to the app. */
export const answerOf = (response: LightMyRequestResponse): URLSearchParams =>
  new URL(response.headers.location ?? 'none:').searchParams

/** What the app gets for a code. */
export const redeem = async (
  app: FastifyInstance,
  response: LightMyRequestResponse,
  client_id = 'other-app',
): Promise<OAuthTokenResponse> => {
  const tokens = await app.inject({
    method: 'POST',
    url: PATHS.token,
    headers: FORM,
    payload: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id,
      redirect_uri: REDIRECT_URI,
      code: answerOf(response).get('code') ?? '',
      code_verifier: VERIFIER,
    }).toString(),
  })
  return tokens.json<OAuthTokenResponse>()
}

/** What an ID token says, unverified. */
export const idClaims = (token: string | undefined) =>
  JSON.parse(
    Buffer.from((token ?? '').split('.')[1] ?? '', 'base64url').toString(),
  ) as IdTokenClaims

/** A field of a form, as a page has it. */
export const fieldOf = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? ''

/** Somebody whom Odoo knows. */
export const DEMO = { login: 'demo', password: 'demo' }

/** A bridge where a browser's session serves for several apps, and a browser. */
export async function startWithBrowser(t: Test) {
  const bridge = await startPairedBridge(t)
  const browser = openBrowser(bridge.app)
  const signIn = (change: Change = {}, who = DEMO) => browser.send(requestUrl(change), who)
  return { ...bridge, browser, signIn }
}
