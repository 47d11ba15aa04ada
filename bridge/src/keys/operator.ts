import { randomBytes } from 'node:crypto'
import type nodeVault from 'node-vault'
import { bareVault, withoutSecrets } from './vault-client.ts'
import { readSecrets, type StoredSecrets } from './secrets.ts'

/** Where an operator's keys lie, and who the operator is. */
export interface OperatorOptions {
  address: string
  /** A token that may do what is asked for, see docs/keys.md; the bridge's own may not. */
  token: string
  transitMount: string
  /** The key that `rotateSigning` and `compromiseSigning` are about. */
  transitKey: string
  kvMount: string
  kvPath: string
  /** Milliseconds that an old key for refresh tokens may be needed after it was replaced. */
  keepSecretsFor: number
}

/** What an operator does to the keys, and no bridge can. Each gives back the name of the new key. */
export interface Operator {
  /** Adds a version of the transit key. It signs once everybody has seen it. @throws VaultError */
  rotateSigning(): Promise<string>
  /**
   * Adds a version of the transit key and destroys all others, beyond recovery.
   * @throws VaultError
   */
  compromiseSigning(): Promise<string>
  /**
   * Adds a key for refresh tokens, and removes those that nothing alive is signed with.
   * @throws VaultError
   */
  rotateRefresh(): Promise<string>
  /** Replaces all keys for refresh tokens by a new one: every session is over. @throws VaultError */
  compromiseRefresh(): Promise<string>
}

interface KvAnswer {
  data: { data: StoredSecrets; metadata: { version: number } }
}

export function operator(options: OperatorOptions): Operator {
  const vault: nodeVault.client = bareVault(options.address, options.token)
  const transit = `${options.transitMount}/keys/${options.transitKey}`
  const kv = `${options.kvMount}/data/${options.kvPath}`

  const read = (path: string) => withoutSecrets(`read ${path}`, vault.read(path))
  const write = (path: string, body: object) =>
    withoutSecrets(`write ${path}`, vault.write(path, body))

  const addVersion = async (): Promise<number> => {
    await write(`${transit}/rotate`, {})
    const { data } = (await read(transit)) as { data: { latest_version: number } }
    return data.latest_version
  }

  /** @param keep of the keys that are there, those to go on accepting */
  const replaceCurrent = async (
    keep: (stored: Readonly<StoredSecrets>, now: number) => string[],
  ): Promise<string> => {
    const { data } = (await read(kv)) as KvAnswer
    const stored = data.data
    const now = Date.now()
    const kept = keep(stored, now)
    const keptOf = (values: Record<string, string> = {}) =>
      Object.fromEntries(Object.entries(values).filter(([kid]) => kept.includes(kid)))
    // Never a name that was used before: whoever cached the old key would go on with it.
    const kid = randomBytes(6).toString('hex')
    const next: StoredSecrets = {
      current: kid,
      keys: { ...keptOf(stored.keys), [kid]: randomBytes(32).toString('base64') },
      created_at: { ...keptOf(stored.created_at), [kid]: new Date(now).toISOString() },
    }
    // cas: another operator's change in between is refused, not overwritten.
    await write(kv, { options: { cas: data.metadata.version }, data: next })
    return kid
  }

  return {
    rotateSigning: async () => `version ${await addVersion()}`,
    compromiseSigning: async () => {
      const latest = await addVersion()
      await write(`${transit}/config`, {
        min_decryption_version: latest,
        min_encryption_version: latest,
      })
      await write(`${transit}/trim`, { min_available_version: latest })
      return `version ${latest}`
    },
    rotateRefresh: () =>
      replaceCurrent((stored, now) => {
        // What bridges could not read must not be carried over.
        readSecrets(stored)
        const { keys, created_at = {} } = stored
        const age = (kid: string) => Date.parse(created_at[kid] ?? '1970-01-01')
        const oldestFirst = Object.keys(keys).sort((one, other) => age(one) - age(other))
        // What a key signed last is as old as its successor.
        return oldestFirst.filter((_, index) => {
          const successor = oldestFirst[index + 1]
          return successor === undefined || now < age(successor) + options.keepSecretsFor
        })
      }),
    compromiseRefresh: () => replaceCurrent(() => []),
  }
}
