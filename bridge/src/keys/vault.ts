import type { FastifyBaseLogger } from 'fastify'
import { held } from './held.ts'
import { KeysUnavailable, type KeyEvents, type Keys } from './port.ts'
import { loadSecrets, secretInTurn, type Secrets } from './secrets.ts'
import { sharedCall } from './shared-call.ts'
import type { SigningKey } from './signing-key.ts'
import { fetchedSigningKeys, remoteSigningKeys, VersionRefused } from './transit.ts'
import { inTurn, published } from './turn.ts'
import { vaultClient, type VaultClientOptions } from './vault-client.ts'

export interface VaultOptions extends VaultClientOptions {
  /** `fetched`: the private key comes here. `remote`: Vault signs. */
  custody: 'fetched' | 'remote'
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
  /** Seconds that what is signed is good: as long a key stays published after it signed last. */
  signedFor: number
  /** Told when there are other signing keys than before. */
  changed?: () => void
  events: KeyEvents
  log: FastifyBaseLogger
}

interface Loaded {
  signing: SigningKey[]
  secrets: Secrets
}

/** Seconds that clocks of two bridges, and of whoever verifies, may differ. */
const CLOCK_SKEW = 5

/** Milliseconds after a failed signature in which requests do not cause another. */
const COOL_DOWN = 1000

/**
 * Keys in Vault, or OpenBao: access tokens are signed by a key of the transit engine, refresh
 * tokens by a secret of the KV engine. Which key signs follows from its age in Vault alone, so that
 * bridges need not talk to each other.
 */
export function vaultKeys(options: VaultOptions): Keys {
  const { custody, log, events, pollInterval, maxAge } = options
  const vault = vaultClient(options)
  const loadSigningKeys = { fetched: fetchedSigningKeys, remote: remoteSigningKeys }[custody](
    vault,
    { mount: options.transitMount, name: options.transitKey },
  )
  const knownAfter = (pollInterval + CLOCK_SKEW) * 1000
  const lifetimes = {
    publishedFor: options.jwksMaxAge * 1000 + knownAfter,
    maxAge: maxAge * 1000,
    signedFor: (options.signedFor + CLOCK_SKEW) * 1000,
  }

  const tellChanges = (before: readonly SigningKey[], after: readonly SigningKey[]) => {
    const known = after.filter((key) => !before.includes(key))
    const gone = before.filter((key) => !after.includes(key))
    for (const { jwk } of known) log.info({ kid: jwk.kid }, 'signing key known')
    for (const { jwk } of gone) log.warn({ kid: jwk.kid }, 'signing key gone')
    if (known.length + gone.length > 0) options.changed?.()
  }

  const keys = held<Loaded>({
    load: async (known) => {
      const before = known?.signing ?? []
      const signing = await loadSigningKeys(before)
      if (signing.length === 0) throw new TypeError('The transit key has no version to use.')
      const kv = { mount: options.kvMount, path: options.kvPath }
      const secrets = await loadSecrets(vault, kv, known?.secrets)
      return { signing, secrets }
    },
    loaded: (before, after) => {
      tellChanges(before?.signing ?? [], after.signing)
    },
    pollInterval: pollInterval * 1000,
    maxAge: lifetimes.maxAge,
    events,
    log,
  })

  const signWith = ({ signing }: Loaded, typ: string, payload: object): Promise<string> => {
    const key = inTurn(signing, lifetimes.publishedFor, Date.now())
    if (!key) throw new KeysUnavailable('Vault holds no signing key.')
    return key.sign(typ, payload)
  }

  const signOnce = async (typ: string, payload: object): Promise<string> => {
    const loaded = await keys.get()
    try {
      return await signWith(loaded, typ, payload)
    } catch (error) {
      if (!(error instanceof VersionRefused)) throw error
      log.warn({ err: error }, 'a version is refused; looking which there are')
      return signWith(await keys.reload(), typ, payload)
    }
  }

  // While it is false, one request a second tries and the others are told at once.
  let signing = true
  const probe = sharedCall(() => sign('probe', {}), COOL_DOWN)
  const ready = async (): Promise<void> => {
    await keys.get()
    if (!signing) await probe()
  }

  const sign = async (typ: string, payload: object): Promise<string> => {
    const began = performance.now()
    try {
      const token = await signOnce(typ, payload)
      signing = true
      events.signed((performance.now() - began) / 1000)
      return token
    } catch (error) {
      signing = false
      events.signFailed()
      if (error instanceof KeysUnavailable) throw error
      throw new KeysUnavailable('Vault does not sign.', { cause: error })
    }
  }

  return {
    signer: {
      ready,
      sign: async (typ, payload) => {
        if (!signing) await ready()
        return sign(typ, payload)
      },
      publicJwks: async () =>
        published((await keys.get()).signing, lifetimes, Date.now()).map(({ jwk }) => jwk),
    },
    secrets: {
      current: async () => {
        const secret = secretInTurn((await keys.get()).secrets, knownAfter, Date.now())
        if (!secret) throw new KeysUnavailable('Vault holds no key for refresh tokens.')
        return secret
      },
      find: async (kid) => {
        const known = (await keys.get()).secrets.all.find((key) => key.kid === kid)
        if (known) return known
        const { value, stale } = await keys.latest()
        const found = value.secrets.all.find((key) => key.kid === kid)
        // Another bridge may sign with a key that this one, cut off from Vault, cannot know.
        if (!found && stale)
          throw new KeysUnavailable('Vault gives no keys; this may be a new one.')
        return found
      },
    },
    close: () => {
      keys.close()
      vault.close()
    },
  }
}
