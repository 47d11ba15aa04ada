import { readFile } from 'node:fs/promises'
import { setInterval } from 'node:timers'
import nodeVault from 'node-vault'
import type { FastifyBaseLogger } from 'fastify'
import { KeysUnavailable, type Keys, type SecretKey } from './port.ts'
import { keyInTurn, signingKey, type SigningKey } from './signing-key.ts'

export interface VaultOptions {
  address: string
  roleId: string
  /** Read at each login, so that it can be replaced while the bridge runs. */
  secretIdFile: string
  transitMount: string
  transitKey: string
  kvMount: string
  kvPath: string
  /** Seconds between two looks for new keys. */
  pollInterval: number
  /** Seconds that keys serve after the last time Vault answered. */
  maxAge: number
  /** Seconds that others cache the JWKS: no key signs before it was published for that long. */
  jwksMaxAge: number
  log: FastifyBaseLogger
}

interface TransitKey {
  data: { keys: Record<string, { creation_time: string }> }
}
interface ExportedKey {
  data: { keys: Record<string, string> }
}
interface KvSecret {
  data: { data: { current?: unknown; keys?: unknown } }
}

interface Loaded {
  signing: SigningKey[]
  secrets: Map<string, SecretKey>
  currentSecret: SecretKey
  /** Milliseconds since 1970. */
  at: number
}

/** Seconds that clocks of two bridges may differ. */
const CLOCK_SKEW = 5

/** What Vault answered instead of a secret. */
class VaultError extends Error {
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined

  constructor(message: string, status: number | undefined) {
    super(message)
    this.name = 'VaultError'
    this.status = status
  }
}

/** An error of the HTTP client carries the token and the secret id, and errors go to the log. */
async function withoutSecrets(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    const { message, response } = error as Error & { response?: { statusCode?: number } }
    throw new VaultError(`Vault: ${message}`, response?.statusCode)
  }
}

function readSecrets(data: KvSecret['data']['data']): Pick<Loaded, 'secrets' | 'currentSecret'> {
  const secrets = new Map<string, SecretKey>()
  for (const [kid, value] of Object.entries((data.keys ?? {}) as Record<string, unknown>)) {
    const secret = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0)
    if (secret.length < 32) throw new TypeError(`The key ${kid} in KV is shorter than 32 bytes.`)
    secrets.set(kid, { kid, secret })
  }
  const currentSecret = secrets.get(String(data.current))
  if (!currentSecret) throw new TypeError('The secret in KV names no current key.')
  return { secrets, currentSecret }
}

/**
 * Custody `fetched`: the keys come out of Vault over AppRole, stay in memory for a bounded time and
 * fast-jwt signs with them.
 * @see https://openbao.org/api-docs/secret/transit/#export-key
 */
export function vaultKeys(options: VaultOptions): Keys {
  const { log, transitMount, transitKey, kvMount, kvPath } = options
  const vault = nodeVault({ endpoint: options.address, requestOptions: { timeout: 5000 } })
  const publishedFor = (options.jwksMaxAge + options.pollInterval + CLOCK_SKEW) * 1000
  let loaded: Loaded | undefined
  let loading: Promise<Loaded> | undefined

  let loggedIn = false

  const login = async () => {
    const secretId = (await readFile(options.secretIdFile, 'utf8')).trim()
    await withoutSecrets(vault.approleLogin({ role_id: options.roleId, secret_id: secretId }))
    loggedIn = true
  }

  const read = async <T>(path: string): Promise<T> => {
    if (!loggedIn) await login()
    try {
      return (await withoutSecrets(vault.read(path))) as T
    } catch (error) {
      // The token has run out or was revoked: a new login tells, and a narrow policy fails again.
      if (!(error instanceof VaultError) || error.status !== 403) throw error
      await login()
      return (await withoutSecrets(vault.read(path))) as T
    }
  }

  const load = async (): Promise<Loaded> => {
    const described = await read<TransitKey>(`${transitMount}/keys/${transitKey}`)
    const exported = await read<ExportedKey>(`${transitMount}/export/signing-key/${transitKey}`)
    const kv = await read<KvSecret>(`${kvMount}/data/${kvPath}`)
    const known = new Map(loaded?.signing.map((key) => [key.createdAt, key]))
    const signing = Object.keys(described.data.keys)
      .map(Number)
      .sort((a, b) => a - b)
      .flatMap((version) => {
        const createdAt = Date.parse(described.data.keys[version]?.creation_time ?? '')
        const pem = exported.data.keys[version]
        if (pem === undefined) return []
        const fresh = signingKey(pem, createdAt)
        const held = known.get(createdAt)
        return [held?.kid === fresh.kid ? held : fresh]
      })
    if (signing.length === 0) throw new TypeError('The transit key has no version to export.')
    return { signing, ...readSecrets(kv.data.data), at: Date.now() }
  }

  const reload = (): Promise<Loaded> => {
    // Many requests may find the keys missing at once; Vault is asked once.
    loading ??= load()
      .then((result) => {
        const news = result.signing.filter(
          (key) => !loaded?.signing.some(({ kid }) => kid === key.kid),
        )
        for (const { kid } of news) log.info({ kid }, 'signing key fetched from Vault')
        loaded = result
        return result
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  const usable = async (): Promise<Loaded> => {
    if (loaded && Date.now() - loaded.at < options.maxAge * 1000) return loaded
    try {
      return await reload()
    } catch (cause) {
      throw new KeysUnavailable('Vault gives no keys.', { cause })
    }
  }

  const poll = () => {
    reload().catch((error: unknown) => {
      log.error({ err: error }, 'Vault gives no keys; those at hand serve until their bound')
    })
  }
  poll()
  const timer = setInterval(poll, options.pollInterval * 1000)

  return {
    signer: {
      sign: async (typ, payload) => {
        const key = keyInTurn((await usable()).signing, publishedFor, Date.now())
        if (!key) throw new KeysUnavailable('Vault holds no signing key.')
        return key.sign(typ, payload)
      },
      publicJwks: async () => {
        const { signing } = await usable()
        const current = keyInTurn(signing, publishedFor, Date.now())
        const previous = Math.max(0, signing.findIndex((key) => key === current) - 1)
        return signing.slice(previous).map((key) => key.jwk)
      },
    },
    secrets: {
      current: async () => (await usable()).currentSecret,
      find: async (kid) => (await usable()).secrets.get(kid),
    },
    close: () => {
      clearInterval(timer)
    },
  }
}
