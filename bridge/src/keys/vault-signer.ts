import type { FastifyBaseLogger } from 'fastify'
import { KeysUnavailable, type KeyEvents, type KeyName, type Signer } from './port.ts'
import { sharedCall } from './shared-call.ts'
import type { SigningKey } from './signing-key.ts'
import { VersionRefused } from './transit.ts'
import { inTurn, published, type Lifetimes } from './turn.ts'

export interface VaultSignerOptions {
  key: KeyName
  /** The versions at hand, the oldest first. @throws KeysUnavailable */
  get: () => Promise<readonly SigningKey[]>
  /** Those that there are now. @throws KeysUnavailable */
  reload: () => Promise<readonly SigningKey[]>
  lifetimes: Lifetimes
  events: KeyEvents
  /** Says which key it is about. */
  log: FastifyBaseLogger
}

/** Milliseconds after a failed signature in which requests do not cause another. */
const COOL_DOWN = 1000

/** Signs with that version of a key in Vault whose turn it is. */
export function vaultSigner(options: VaultSignerOptions): Signer {
  const { key: name, get, reload, lifetimes, events, log } = options

  const signWith = (keys: readonly SigningKey[], typ: string, payload: object): Promise<string> => {
    const key = inTurn(keys, lifetimes.publishedFor, Date.now())
    if (!key) throw new KeysUnavailable('Vault holds no signing key.')
    return key.sign(typ, payload)
  }

  const signOnce = async (typ: string, payload: object): Promise<string> => {
    const keys = await get()
    try {
      return await signWith(keys, typ, payload)
    } catch (error) {
      if (!(error instanceof VersionRefused)) throw error
      log.warn({ err: error }, 'a version is refused; looking which there are')
      return signWith(await reload(), typ, payload)
    }
  }

  // While it is false, one request a second tries and the others are told at once.
  let signing = true
  const probe = sharedCall(() => sign('probe', {}), COOL_DOWN)
  const ready = async (): Promise<void> => {
    await get()
    if (!signing) await probe()
  }

  const sign = async (typ: string, payload: object): Promise<string> => {
    const began = performance.now()
    try {
      const token = await signOnce(typ, payload)
      signing = true
      events.signed(name, (performance.now() - began) / 1000)
      return token
    } catch (error) {
      signing = false
      events.signFailed(name)
      if (error instanceof KeysUnavailable) throw error
      throw new KeysUnavailable('Vault does not sign.', { cause: error })
    }
  }

  return {
    ready,
    sign: async (typ, payload) => {
      if (!signing) await ready()
      return sign(typ, payload)
    },
    publicJwks: async () => published(await get(), lifetimes, Date.now()).map(({ jwk }) => jwk),
  }
}
