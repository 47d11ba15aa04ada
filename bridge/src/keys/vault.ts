import type { FastifyBaseLogger } from 'fastify'
import { held } from './held.ts'
import { KeysUnavailable, type KeyEvents, type KeyName, type Keys } from './port.ts'
import { loadSecrets, secretInTurn, type Secrets } from './secrets.ts'
import type { SigningKey } from './signing-key.ts'
import { fetchedSigningKeys, remoteSigningKeys } from './transit.ts'
import { vaultClient, type VaultClient, type VaultClientOptions } from './vault-client.ts'
import { vaultSigner } from './vault-signer.ts'

export interface VaultOptions extends VaultClientOptions {
  /** `fetched`: the private key comes here. `remote`: Vault signs. */
  custody: 'fetched' | 'remote'
  transitMount: string
  transitKey: string
  /** The RSA key for ID tokens, where there is one. */
  transitIdTokenKey?: string | undefined
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
  /** Told when there are other signing keys than before; of the one for ID tokens it is not told. */
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

/**
 * Keys in Vault, or OpenBao: access tokens are signed by a key of the transit engine, refresh
 * tokens by a secret of the KV engine. Which key signs follows from its age in Vault alone, so that
 * bridges need not talk to each other.
 */
export function vaultKeys(options: VaultOptions, vault: VaultClient = vaultClient(options)): Keys {
  const { custody, events, pollInterval, maxAge } = options
  const knownAfter = (pollInterval + CLOCK_SKEW) * 1000
  const lifetimes = {
    publishedFor: options.jwksMaxAge * 1000 + knownAfter,
    maxAge: maxAge * 1000,
    signedFor: (options.signedFor + CLOCK_SKEW) * 1000,
  }

  const loadVersionsOf = (name: string) =>
    ({ fetched: fetchedSigningKeys, remote: remoteSigningKeys })[custody](vault, {
      mount: options.transitMount,
      name,
    })

  /** One key of the transit engine, in itself or with more: it is looked up, and signs. */
  const opened = <T>(
    key: KeyName,
    load: (held: T | undefined) => Promise<T>,
    versionsOf: (loaded: T) => readonly SigningKey[],
    changed?: () => void,
  ) => {
    const log = options.log.child({ key })
    const keys = held<T>({
      load: async (known) => {
        const loaded = await load(known)
        if (versionsOf(loaded).length === 0) {
          throw new TypeError('The transit key has no version to use.')
        }
        return loaded
      },
      loaded: (was, is) => {
        const [before, after] = [was === undefined ? [] : versionsOf(was), versionsOf(is)]
        const known = after.filter((version) => !before.includes(version))
        const gone = before.filter((version) => !after.includes(version))
        for (const { jwk } of known) log.info({ kid: jwk.kid }, 'signing key known')
        for (const { jwk } of gone) log.warn({ kid: jwk.kid }, 'signing key gone')
        if (known.length + gone.length > 0) changed?.()
      },
      pollInterval: pollInterval * 1000,
      maxAge: lifetimes.maxAge,
      key,
      events,
      log,
    })
    const signer = vaultSigner({
      key,
      get: async () => versionsOf(await keys.get()),
      reload: async () => versionsOf(await keys.reload()),
      lifetimes,
      events,
      log,
    })
    return { keys, signer }
  }

  const loadSigningKeys = loadVersionsOf(options.transitKey)
  const { keys, signer } = opened<Loaded>(
    'signing',
    async (known) => ({
      signing: await loadSigningKeys(known?.signing ?? []),
      secrets: await loadSecrets(
        vault,
        { mount: options.kvMount, path: options.kvPath },
        known?.secrets,
      ),
    }),
    ({ signing }) => signing,
    options.changed,
  )

  const openIdTokenKey = (name: string) => {
    const load = loadVersionsOf(name)
    return opened<readonly SigningKey[]>(
      'id_token',
      async (known = []) => {
        const versions = await load(known)
        if (versions.some(({ jwk }) => jwk.alg !== 'RS256')) {
          throw new TypeError(`The transit key ${name} must be of type rsa-2048, -3072 or -4096.`)
        }
        return versions
      },
      (versions) => versions,
    )
  }
  // A key of its own in every way: what is wrong with it keeps nobody from signing in who does not
  // need it.
  const idToken =
    options.transitIdTokenKey === undefined ? undefined : openIdTokenKey(options.transitIdTokenKey)

  return {
    signer,
    idTokenSigner: idToken?.signer,
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
      idToken?.keys.close()
      vault.close()
    },
  }
}
