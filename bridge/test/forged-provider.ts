/** What a thief, or a broken provider, would answer in the place of the real one. */
import { createHmac, createPrivateKey, sign, type JsonWebKey } from 'node:crypto'
import type { OpenIdProvider } from '@drawbridge/e2e/openid-provider'

type Part = Record<string, unknown>

const encode = (part: Part): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (part = ''): Part => JSON.parse(Buffer.from(part, 'base64url').toString()) as Part

export type Signing = (input: string) => string

/** By the provider's own key. */
export const byKey =
  ({ key }: OpenIdProvider): Signing =>
  (input) =>
    sign(
      'sha256',
      Buffer.from(input),
      createPrivateKey({ key: { ...key } as JsonWebKey, format: 'jwk' }),
    ).toString('base64url')

/** By a secret, as HS256 has it. */
export const bySecret =
  (secret: string): Signing =>
  (input) =>
    createHmac('sha256', secret).update(input).digest('base64url')

/** Gives every ID token other claims or another header, and a signature. */
export function forgeIdToken(
  upstream: OpenIdProvider,
  claims: Part,
  header: Part = {},
  signing: Signing = byKey(upstream),
): void {
  upstream.tamper.set('/token', (body) => {
    const answer = JSON.parse(body) as { id_token: string }
    const [head, payload] = answer.id_token.split('.')
    const input = [
      { ...decode(head), ...header },
      { ...decode(payload), ...claims },
    ]
      .map(encode)
      .join('.')
    return JSON.stringify({ ...answer, id_token: `${input}.${signing(input)}` })
  })
}

/** Gives an answer in JSON other members. */
export function change(upstream: OpenIdProvider, path: string, members: Part): void {
  upstream.tamper.set(path, (body) => JSON.stringify({ ...(JSON.parse(body) as Part), ...members }))
}
