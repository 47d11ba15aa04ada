import { setting } from './conversation.ts'

/** The key that a program proves itself with, and its name. */
export async function privateKey(): Promise<{ key: CryptoKey; kid: string }> {
  const { kid, ...jwk } = JSON.parse(setting('CLIENT_KEY')) as JsonWebKey & { kid: string }
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  return { key, kid }
}
