/** The requests that the load consists of: how each is written, and what its answer must hold. */
import type { Dispatcher } from 'undici'
import { PATHS } from '../src/contract/index.ts'

/** Name of the bridge's cookie on plain http. */
export const REFRESH_COOKIE = 'drawbridge_refresh'

type Headers = Record<string, string>

/** One kind of request, sent again and again. */
export interface Exchange {
  path: string
  headers: (token: string, chain: number) => Headers
  body: (token: string) => string
  /** @returns the token of the next request; undefined where the answer is not what it must be */
  next: (
    token: string,
    headers: Dispatcher.ResponseData['headers'],
    body: string,
  ) => string | undefined
}

/** What a server must know of its caller, where it asks for that. */
export interface Caller {
  /** The whole `Authorization` header. */
  authorization?: string
  client_id?: string
  /** Of the tokens that are validated. */
  audience?: string
  /** Where the server has its endpoint elsewhere. */
  path?: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }

/** Each person has an address of their own, which the gate names to the bridge. */
export const addressOf = (chain: number): string =>
  `10.${chain >> 16}.${(chain >> 8) & 255}.${chain & 255}`

const parse = (body: string): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>

const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** The refresh token that an answer of the bridge sets. */
export function refreshTokenIn(headers: Dispatcher.ResponseData['headers']): string | undefined {
  const cookie = [headers['set-cookie'] ?? []]
    .flat()
    .find((text) => text.startsWith(`${REFRESH_COOKIE}=`))
  return cookie?.slice(REFRESH_COOKIE.length + 1).split(';')[0]
}

/** What a page of the issuer sends through the gate. */
export const browserHeaders = (chain: number): Headers => ({
  ...JSON_TYPE,
  'sec-fetch-site': 'same-origin',
  'x-forwarded-for': addressOf(chain),
})

const EXCHANGES = {
  /** `POST /auth/refresh`: the refresh token travels by cookie, both ways. */
  bridgeRefresh: (): Exchange => ({
    path: PATHS.refresh,
    headers: (token, chain) => ({ ...browserHeaders(chain), cookie: `${REFRESH_COOKIE}=${token}` }),
    body: () => '{}',
    next: (_token, headers, body) => textIn(parse(body)['access_token']) && refreshTokenIn(headers),
  }),

  /** `grant_type=refresh_token` at another server's token endpoint. @see RFC 6749 §6 */
  oauthRefresh: ({ client_id = '', path = '/token' }: Caller): Exchange => ({
    path,
    headers: () => FORM_TYPE,
    body: (refresh_token) =>
      new URLSearchParams({ grant_type: 'refresh_token', client_id, refresh_token }).toString(),
    next: (_token, _headers, body) => {
      const answer = parse(body)
      return textIn(answer['access_token']) && textIn(answer['refresh_token'])
    },
  }),

  /** `POST /auth/validate`, as the gate asks. */
  bridgeValidate: ({ authorization = '', audience = '' }: Caller): Exchange => ({
    path: PATHS.validate,
    headers: () => ({ ...JSON_TYPE, authorization }),
    body: (token) => JSON.stringify({ token, audience }),
    next: (token, _headers, body) => (parse(body)['status'] === 'Valid' ? token : undefined),
  }),

  /** Another server's introspection endpoint. @see RFC 7662 §2.1 */
  oauthIntrospect: ({ authorization = '' }: Caller): Exchange => ({
    path: '/token/introspection',
    headers: () => ({ ...FORM_TYPE, authorization }),
    body: (token) => new URLSearchParams({ token }).toString(),
    next: (token, _headers, body) => (parse(body)['active'] === true ? token : undefined),
  }),
} satisfies Record<string, (caller: Caller) => Exchange>

export type ExchangeName = keyof typeof EXCHANGES

/** @param caller who asks */
export const exchange = (name: ExchangeName, caller: Caller): Exchange => EXCHANGES[name](caller)
