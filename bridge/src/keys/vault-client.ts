import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import nodeVault from 'node-vault'
import type { FastifyBaseLogger } from 'fastify'
import type { KeyEvents } from './port.ts'
import { sharedCall } from './shared-call.ts'

export interface VaultClientOptions {
  address: string
  roleId: string
  /** Read at each login, so that it can be replaced while the bridge runs. */
  secretIdFile: string
  /** Seconds that a login holds against a refusal before the next is tried; 10 when left out. */
  loginInterval?: number
  events: KeyEvents
  log: FastifyBaseLogger
}

/** Vault as one AppRole sees it. It logs in when needed, and renews its token before that ends. */
export interface VaultClient {
  /** @throws VaultError */
  read<T>(path: string): Promise<T>
  /** @throws VaultError */
  write<T>(path: string, body: object): Promise<T>
  /** Ends the renewal. */
  close: () => void
}

/** What Vault answered instead of what was asked for. Its message holds no secret. */
export class VaultError extends Error {
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.name = 'VaultError'
    this.status = status
  }
}

/** Milliseconds that one request may take. */
const TIMEOUT = 5000

/** Milliseconds after a failed login in which none is tried. */
const LOGIN_COOL_DOWN = 1000

/** Longer waits for a renewal are of no use, and timers overflow after 24 days. Milliseconds. */
const LONGEST_WAIT = 86_400_000

/**
 * The bare client for one address, to be given a token. Its requests go nowhere near a log, where
 * they would show token and secret id, and check TLS certificates whatever the environment says.
 */
export const bareVault = (address: string, token?: string): nodeVault.client =>
  nodeVault({
    endpoint: address,
    ...(token === undefined ? {} : { token }),
    requestOptions: {
      timeout: TIMEOUT,
      httpsAgent: new Agent({ keepAlive: true, rejectUnauthorized: true }),
    },
    debug: () => undefined,
  })

/**
 * An error of the HTTP client carries the token and the secret id, and errors go to the log.
 * @param what the method and path, for the message
 * @throws VaultError
 */
export async function withoutSecrets(what: string, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    const { message, response } = error as Error & { response?: { statusCode?: number } }
    const status = response?.statusCode
    const reason = message.replace(/\s+/g, ' ').trim()
    throw new VaultError(
      status === undefined
        ? `Vault does not answer to ${what}: ${reason}`
        : `Vault refuses ${what} (${status}): ${reason}`,
      status,
    )
  }
}

interface Lease {
  auth: { lease_duration: number; renewable: boolean }
}

/** @see https://openbao.org/api-docs/auth/approle/ */
export function vaultClient(options: VaultClientOptions): VaultClient {
  const { roleId, secretIdFile, events, log } = options
  const loginInterval = (options.loginInterval ?? 10) * 1000
  const vault = bareVault(options.address)
  // One of the environment would be another's.
  vault.token = ''
  let loggedInAt = 0
  let renewal: NodeJS.Timeout | undefined
  let closed = false

  const readSecretId = async (): Promise<string> => {
    try {
      return (await readFile(secretIdFile, 'utf8')).trim()
    } catch (error) {
      throw new VaultError(`The secret id cannot be read: ${(error as Error).message}`)
    }
  }

  const login = sharedCall(async () => {
    try {
      const secret_id = await readSecretId()
      const answer = (await withoutSecrets(
        'login',
        vault.approleLogin({ role_id: roleId, secret_id }),
      )) as Lease
      loggedInAt = Date.now()
      events.loggedIn()
      log.info({ lease: answer.auth.lease_duration }, 'logged in to Vault')
      renewLater(answer, answer.auth.lease_duration)
    } catch (error) {
      events.loginFailed()
      throw error
    }
  }, LOGIN_COOL_DOWN)

  const loginAnew = () => {
    login().catch((error: unknown) => {
      // Whatever needs the token logs in by itself, and tells if that fails too.
      log.error({ err: error }, 'no new login to Vault; the token at hand serves until it ends')
    })
  }

  /** @param usual seconds that a lease of this role has */
  const renew = async (usual: number) => {
    try {
      const answer = (await withoutSecrets('renew-self', vault.tokenRenewSelf())) as Lease
      // Near the end of a token's longest life, a renewal adds next to nothing.
      if (answer.auth.lease_duration > usual / 2) {
        renewLater(answer, usual)
        return
      }
    } catch (error) {
      log.warn({ err: error }, 'the token of Vault was not renewed; logging in anew')
    }
    if (!closed) loginAnew()
  }

  const renewLater = ({ auth }: Lease, usual: number) => {
    clearTimeout(renewal)
    // A token without a lease never ends.
    if (closed || auth.lease_duration <= 0) return
    renewal = setTimeout(
      () => {
        if (auth.renewable) void renew(usual)
        else loginAnew()
      },
      Math.min((auth.lease_duration * 1000 * 2) / 3, LONGEST_WAIT),
    )
    renewal.unref()
  }

  const call = async <T>(what: string, request: () => Promise<unknown>): Promise<T> => {
    if (vault.token === '') await login()
    const { token } = vault
    try {
      return (await withoutSecrets(what, request())) as T
    } catch (error) {
      if (!(error instanceof VaultError) || error.status !== 403) throw error
      if (vault.token === token) {
        // The token has run out, was revoked, or its role was given more. One that is new was
        // refused for its policy, and a login per request would help nobody.
        if (Date.now() - loggedInAt < loginInterval) throw error
        await login()
      }
      return (await withoutSecrets(what, request())) as T
    }
  }

  return {
    read: (path) => call(`read ${path}`, () => vault.read(path) as Promise<unknown>),
    write: (path, body) => call(`write ${path}`, () => vault.write(path, body) as Promise<unknown>),
    close: () => {
      closed = true
      clearTimeout(renewal)
    },
  }
}
