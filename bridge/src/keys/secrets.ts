import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { SecretKey } from './port.ts'
import { inTurn, type Dated } from './turn.ts'
import type { VaultClient } from './vault-client.ts'

const schema = Type.Object({
  current: Type.String(),
  keys: Type.Record(Type.String(), Type.String()),
  created_at: Type.Optional(Type.Record(Type.String(), Type.String())),
})

/**
 * The bridge's own keys as they lie in KV: base64 by name, and the name of the one to use.
 * `created_at` says since when a key is there, in ISO 8601; one without was always there.
 */
export type StoredSecrets = Static<typeof schema>

interface DatedSecret extends SecretKey, Dated {}

/** The bridge's own keys at one moment. */
export interface Secrets {
  all: readonly DatedSecret[]
  current: string
}

/** The least that HS256 asks for. @see RFC 7518 §3.2 */
const MINIMUM_BYTES = 32

/** @throws TypeError naming the key that is wrong, but not its value */
export function readSecrets(stored: unknown, held?: Secrets): Secrets {
  if (!Value.Check(schema, stored)) {
    throw new TypeError('The secret in KV is not {current, keys: {name: base64}}.')
  }
  const { current, keys, created_at = {} } = stored
  const all = Object.entries(keys).map(([kid, value]) => {
    const secret = Buffer.from(value, 'base64')
    if (secret.length < MINIMUM_BYTES) {
      throw new TypeError(`The key ${kid} in KV is shorter than ${MINIMUM_BYTES} bytes.`)
    }
    const createdAt = created_at[kid] === undefined ? 0 : Date.parse(created_at[kid])
    if (Number.isNaN(createdAt)) throw new TypeError(`created_at of ${kid} in KV is no date.`)
    // Another key under a known name is another object: what was made for the old one is not used.
    const known = held?.all.find((key) => key.kid === kid && key.secret.equals(secret))
    return known?.createdAt === createdAt ? known : { kid, secret, createdAt }
  })
  if (!all.some(({ kid }) => kid === current)) {
    throw new TypeError('The secret in KV names no current key.')
  }
  return { all, current }
}

/** @see https://openbao.org/api-docs/secret/kv/kv-v2/#read-secret-version */
export async function loadSecrets(
  vault: VaultClient,
  { mount, path }: { mount: string; path: string },
  held?: Secrets,
): Promise<Secrets> {
  const { data } = await vault.read<{ data: { data: unknown } }>(`${mount}/data/${path}`)
  return readSecrets(data.data, held)
}

/**
 * The key to sign and seal with: the current one once every bridge knows it, until then the one
 * before, if that is still accepted.
 * @param knownAfter milliseconds after which every bridge knows a new key
 * @param now milliseconds since 1970
 */
export function secretInTurn(
  { all, current }: Secrets,
  knownAfter: number,
  now: number,
): SecretKey | undefined {
  const before = all
    .filter(({ kid }) => kid !== current)
    .sort((one, other) => one.createdAt - other.createdAt)
  return inTurn([...before, ...all.filter(({ kid }) => kid === current)], knownAfter, now)
}
