import { performance } from 'node:perf_hooks'
import {
  ACCESS_TOKEN_TYP,
  ASSERTION_TYP,
  LOGOUT_TOKEN_TYP,
  ODOO_PROOF_TYP,
} from '../contract/index.ts'
import type { Keys, Signer } from '../keys/port.ts'
import type { VaultClient } from '../keys/vault-client.ts'
import type { OdooHttp } from '../odoo/http.ts'
import type { SessionStore } from '../sessions/port.ts'
import { currentTrace, type Party } from './trace.ts'

type Asynchronous<Parameters extends unknown[], Result> = (
  ...parameters: Parameters
) => Promise<Result>

/**
 * What is put around the parts of the bridge where it is put together. Each takes a part and gives
 * one that does the same.
 */
export interface Watch {
  keys(keys: Keys): Keys
  vault(vault: VaultClient): VaultClient
  store(store: SessionStore): SessionStore
  odooHttp(http: OdooHttp): OdooHttp
  /** Whatever decides on a login and a password, and throws where it lets nobody in. */
  signIn<Typed extends unknown[], Identity>(
    signIn: Asynchronous<Typed, Identity>,
  ): Asynchronous<Typed, Identity>
}

/** Each part as it is. */
export const UNWATCHED: Watch = {
  keys: (keys) => keys,
  vault: (vault) => vault,
  store: (store) => store,
  odooHttp: (http) => http,
  signIn: (signIn) => signIn,
}

/** Times a call, where it is done for a request. */
async function step<T>(party: Party, word: string, call: () => Promise<T>): Promise<T> {
  const end = currentTrace()?.begin(party)
  try {
    const answer = await call()
    end?.(word, false)
    return answer
  } catch (error) {
    end?.(word, true)
    throw error
  }
}

/** What is signed, by its `typ`. */
const SIGNED: Record<string, string> = {
  [ACCESS_TOKEN_TYP]: 'sign_access_token',
  [ASSERTION_TYP]: 'sign_assertion',
  [LOGOUT_TOKEN_TYP]: 'sign_logout_token',
  [ODOO_PROOF_TYP]: 'sign_assertion',
  JWT: 'sign_id_token',
}

/** What Vault is asked for, by what stands in the path. */
const VAULT_WORDS = [
  ['/sign/', 'sign'],
  ['/export/', 'export_key'],
  ['/keys/', 'read_key'],
  ['/data/', 'read_secrets'],
] as const

const vaultWord = (path: string): string =>
  VAULT_WORDS.find(([part]) => path.includes(part))?.[1] ?? 'call'

/** The last part of a path at Odoo, where it says what is done and nothing of whom or what. */
const ODOO_WORDS: readonly string[] = [
  'authenticate',
  'browsers',
  'check',
  'context_get',
  'destroy',
  'get_session_info',
  'has_access',
  'has_group',
  'health',
  'hello',
  'lookup',
  'profile',
  'read',
  'redeem',
  'search_count',
  'search_read',
  'sign_in',
  'sign_out',
  'stamps',
  'totp',
  'write',
]

function odooWord(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return ODOO_WORDS.includes(last) ? last : 'call'
}

/**
 * Writes down what is done for each request, and who did it.
 * @param signingKey its name in Vault, as the last part of a path
 */
export function createWatch(signingKey: string): Watch {
  /** When Vault last gave the signing key, and how long that took. */
  let fetched: { at: number; duration: number } | undefined
  /** Calls to Vault of all requests, and of the bridge itself: begun so far, and under way. */
  const vaultCalls = { begun: 0, underWay: 0 }

  const watchedVault = async <T>(path: string, call: () => Promise<T>): Promise<T> => {
    vaultCalls.begun++
    vaultCalls.underWay++
    const at = performance.now()
    try {
      const answer = await step('vault', vaultWord(path), call)
      if (vaultWord(path) === 'export_key' && path.endsWith(`/${signingKey}`)) {
        fetched = { at, duration: performance.now() - at }
      }
      return answer
    } finally {
      vaultCalls.underWay--
    }
  }

  const watchedSigner = (signer: Signer, isSigningKey: boolean): Signer => ({
    ready: () => signer.ready(),
    publicJwks: () => step('bridge', 'public_keys', () => signer.publicJwks()),
    sign: async (typ, payload) => {
      const trace = currentTrace()
      if (!trace) return signer.sign(typ, payload)
      const before = { ...vaultCalls, own: trace.count('vault') }
      const end = trace.begin('bridge')
      let failed = true
      try {
        const token = await signer.sign(typ, payload)
        failed = false
        return token
      } finally {
        // Only while nobody at all talked to Vault is it certain that the key was at hand: one
        // request may wait for a call that another one has made.
        const quiet = before.underWay === 0 && before.begun === vaultCalls.begun
        const asked = trace.count('vault') > before.own
        const source = asked ? 'vault' : quiet ? 'memory' : 'shared'
        if (source === 'memory' && fetched && isSigningKey && !trace.knowsKey) {
          trace.knowsKey = true
          const ago = performance.now() - fetched.at
          trace.noteEarlier('vault', 'export_key', ago, fetched.duration)
        }
        end(`${SIGNED[typ] ?? 'sign'}.${source}`, failed)
      }
    },
  })

  return {
    keys: (keys) => ({
      ...keys,
      signer: watchedSigner(keys.signer, true),
      idTokenSigner: keys.idTokenSigner && watchedSigner(keys.idTokenSigner, false),
    }),

    vault: (vault) => ({
      read: (path) => watchedVault(path, () => vault.read(path)),
      write: (path, body) => watchedVault(path, () => vault.write(path, body)),
      close: () => {
        vault.close()
      },
    }),

    store: (store) =>
      new Proxy(store, {
        get: (target, property) => {
          const method: unknown = Reflect.get(target, property)
          if (typeof method !== 'function') return method
          return (...parameters: unknown[]) =>
            step('store', String(property), () =>
              Promise.resolve(Reflect.apply(method, target, parameters) as unknown),
            )
        },
      }),

    odooHttp: (http) => ({
      send: (request) => step('odoo', odooWord(request.path), () => http.send(request)),
      close: () => http.close(),
    }),

    // A failed sign-in is held back until a fixed time, so that nobody can tell an unknown login
    // from a wrong password. What it took until then would tell them apart.
    signIn:
      (signIn) =>
      async (...typed) => {
        const trace = currentTrace()
        if (trace) trace.muted = true
        const identity = await signIn(...typed)
        if (trace) trace.muted = false
        return identity
      },
  }
}
