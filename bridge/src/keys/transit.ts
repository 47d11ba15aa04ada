import { createHash, createPublicKey } from 'node:crypto'
import { batches } from '../batches.ts'
import { publicJwk } from './jwk.ts'
import type { PublicJwk } from './port.ts'
import { signingKey, type SigningKey } from './signing-key.ts'
import type { Dated } from './turn.ts'
import type { VaultClient } from './vault-client.ts'

/** The key in Vault's transit engine. */
export interface TransitKey {
  mount: string
  name: string
}

interface KeyAnswer {
  data: { keys: Record<string, { creation_time?: string; public_key?: string }> }
}
interface ExportAnswer {
  data: { keys: Record<string, string> }
}
interface SignAnswer {
  data: { batch_results: { signature?: string; error?: string }[] }
}

interface Version extends Dated {
  version: number
  jwk: PublicJwk
}

/**
 * Loads all versions that Vault lists, the oldest first; one below the least allowed is not listed.
 * @param held what was loaded last: a key that is still listed stays the same object
 */
export type LoadSigningKeys = (held: readonly SigningKey[]) => Promise<SigningKey[]>

/** Vault refused to sign with this version: it may be gone since it was listed. */
export class VersionRefused extends Error {
  constructor(version: number, reason: string) {
    super(`Vault does not sign with version ${version}: ${reason}`)
    this.name = 'VersionRefused'
  }
}

async function versions(vault: VaultClient, { mount, name }: TransitKey): Promise<Version[]> {
  const { data } = await vault.read<KeyAnswer>(`${mount}/keys/${name}`)
  return Object.entries(data.keys)
    .map(([version, { creation_time = '', public_key = '' }]) => {
      const createdAt = Date.parse(creation_time)
      if (Number.isNaN(createdAt)) throw new TypeError(`Version ${version} has no creation time.`)
      return { version: Number(version), createdAt, jwk: publicJwk(createPublicKey(public_key)) }
    })
    .sort((one, other) => one.version - other.version)
}

const find = (held: readonly SigningKey[], { jwk }: Version): SigningKey | undefined =>
  held.find((key) => key.jwk.kid === jwk.kid)

/**
 * Custody `fetched`: the private keys come out of Vault, and fast-jwt signs.
 * @see https://openbao.org/api-docs/secret/transit/#export-key
 */
export function fetchedSigningKeys(vault: VaultClient, key: TransitKey): LoadSigningKeys {
  return async (held) => {
    const listed = await versions(vault, key)
    const path = `${key.mount}/export/signing-key/${key.name}`
    const { data } = await vault.read<ExportAnswer>(path)
    return listed.flatMap((version) => {
      const pem = data.keys[version.version]
      // Rotated between the two answers: the next poll gets both.
      if (pem === undefined) return []
      return [find(held, version) ?? signingKey(pem, version.createdAt)]
    })
  }
}

/** Signatures in one request. */
const MOST = 200
/** Requests under way per key: more would only make the batches smaller. */
const AT_ONCE = 2

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Vault sees the digest of what is signed, not the claims. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64')

/**
 * Custody `remote`: transit signs, and the private key never leaves Vault. Requests that arrive
 * together go there in one.
 * @see https://openbao.org/api-docs/secret/transit/#sign-data
 */
export function remoteSigningKeys(vault: VaultClient, key: TransitKey): LoadSigningKeys {
  const remoteKey = ({ version, createdAt, jwk }: Version): SigningKey => {
    const signDigest = batches<string, string>(
      async (digests) => {
        const { data } = await vault.write<SignAnswer>(`${key.mount}/sign/${key.name}/sha2-256`, {
          batch_input: digests.map((input) => ({ input })),
          key_version: version,
          marshaling_algorithm: 'jws',
          prehashed: true,
          ...(jwk.alg === 'RS256' ? { signature_algorithm: 'pkcs1v15' } : {}),
        })
        return data.batch_results.map(({ signature, error = 'no signature' }) => {
          const [, signedBy, value] = /^vault:v(\d+):([\w-]+)$/.exec(signature ?? '') ?? []
          return value === undefined || Number(signedBy) !== version
            ? new VersionRefused(version, error)
            : value
        })
      },
      { most: MOST, atOnce: AT_ONCE },
    )
    return {
      jwk,
      createdAt,
      sign: async (typ, payload) => {
        const input = `${encode({ alg: jwk.alg, typ, kid: jwk.kid })}.${encode(payload)}`
        return `${input}.${await signDigest(digest(input))}`
      },
    }
  }
  return async (held) =>
    (await versions(vault, key)).map((version) => find(held, version) ?? remoteKey(version))
}
