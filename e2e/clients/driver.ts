/**
 * Drives a program that is somebody else's OAuth client. It is a process of its own, in whatever
 * language, and speaks JSON on its standard input and output, a line each; what it logs is on its
 * standard error.
 *
 * Its settings are environment variables: `ISSUER`, `CLIENT_ID`, `REDIRECT_URI`,
 * `POST_LOGOUT_REDIRECT_URI`, `SCOPE`, and two addresses to GET through the gate: `API`, and
 * `NOTHING`, where there is nothing, so that whoever is let through gets 404. A client that proves
 * who it is has `TOKEN_ENDPOINT_AUTH_METHOD` and either `CLIENT_SECRET` or `CLIENT_KEY`, a private
 * JWK.
 *
 * In the order of {@link Lines} it says what it did. Each `open` is answered by a line
 * `{"callback": …}`, the whole address that the browser was led back to. A library that refuses the
 * answer to the sign-in, or is refused the tokens, says `failed`, and ends. With `REDEEM_TWICE` it
 * does not go on after `signed_in`: it has the library redeem the same callback again (`failed`),
 * and refreshes (`refused`). It ends with exit code 0, at the latest when its input ends.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { REPOSITORY } from '../stack/paths.ts'
import type { RegisteredClient } from '../stack/description.ts'

/** What a program may say, by the one member of a line. */
export interface Lines {
  /** Where the browser is to go: to sign in, later to sign out. */
  open: string
  /** Claims of the ID token, which the library has validated. */
  signed_in: Record<string, unknown>
  /** What userinfo answers. */
  userinfo: Record<string, unknown>
  /** `API` was called; last, `NOTHING`, again and again while that answered 404. */
  called: { status: number }
  /** New tokens; whether the refresh token is another one. */
  refreshed: { rotated: boolean }
  /** The `error` that a refresh was refused with. */
  refused: string
  /** The `error` that the sign-in ended with. */
  failed: string
}

/** A running client program. */
export interface ClientProgram {
  /**
   * Waits for its next line.
   * @param name the member that it has to have
   * @throws Error with what the program logged, where it says anything else, ends, or is silent
   */
  says<Name extends keyof Lines>(name: Name): Promise<Lines[Name]>
  /** Answers an `open`. */
  callback(address: string): void
  /** Waits for its end. @throws Error with what the program logged, where it fails or says more */
  ended(): Promise<void>
  /** Ends it, if it still runs. */
  stop(): Promise<void>
}

/** Milliseconds that a program may take for a line. */
const PATIENCE = 30_000

/** How a program can be started. */
export interface Program {
  /** What to call it when it fails. */
  name: string
  command: string[]
  /** Its environment beside the settings and, unless it names another, the `PATH` of this process. */
  env?: Record<string, string>
}

/** What the program has to know to be this client. */
export function settingsOf(
  client: RegisteredClient,
  addresses: { issuer: string; api: string; nothing: string },
): Record<string, string> {
  const { token_endpoint_auth_method, client_secret, client_key } = client
  return {
    ISSUER: addresses.issuer,
    API: addresses.api,
    NOTHING: addresses.nothing,
    CLIENT_ID: client.client_id,
    REDIRECT_URI: client.redirect_uris[0] ?? '',
    POST_LOGOUT_REDIRECT_URI: client.post_logout_redirect_uris?.[0] ?? '',
    SCOPE: `openid profile email ${client.scope}`,
    ...(token_endpoint_auth_method && { TOKEN_ENDPOINT_AUTH_METHOD: token_endpoint_auth_method }),
    ...(client_secret !== undefined && { CLIENT_SECRET: client_secret }),
    ...(client_key && { CLIENT_KEY: JSON.stringify(client_key) }),
  }
}

/** Starts a program. */
export function startProgram(
  { name: program, command, env }: Program,
  settings: Record<string, string>,
): ClientProgram {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd: REPOSITORY,
    env: { PATH: process.env['PATH'], ...env, ...settings },
    stdio: 'pipe',
  })
  const logged: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => logged.push(line))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const closed = once(child, 'close').then(([code]) => code as number | null)
  child.stdin.on('error', () => {
    // Its end says why.
  })

  const fail = (what: string): never => {
    throw new Error([`${program} ${what}.`, ...logged.slice(-50)].join('\n'))
  }

  const nextLine = async (): Promise<string | undefined> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    const { value, done } = await lines.next()
    clearTimeout(timer)
    return done ? undefined : value
  }

  return {
    async says(name) {
      const line = await nextLine()
      if (line === undefined) return fail(`ended before it said "${name}": ${await closed}`)
      const said = JSON.parse(line) as Partial<Lines>
      const value = said[name]
      return value ?? fail(`said ${line} instead of "${name}"`)
    },
    callback(address) {
      child.stdin.write(`${JSON.stringify({ callback: address })}\n`)
    },
    async ended() {
      child.stdin.end()
      const line = await nextLine()
      if (line !== undefined) fail(`said ${line} although it was done`)
      const code = await closed
      if (code !== 0) fail(`ended with exit code ${code}`)
    },
    async stop() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
