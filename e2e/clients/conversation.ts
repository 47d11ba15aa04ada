/** What the programs in TypeScript say to `driver.ts`, whatever library they are made of. */
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

/** What a client does, by means of a library. Tokens stay with it. */
export interface ClientLibrary {
  /** @returns where to sign in */
  begin(): Promise<URL>
  /**
   * Takes the answer: for tokens, and for the claims of a validated ID token.
   * @throws what the library throws
   */
  redeem(callback: URL): Promise<object>
  userinfo(): Promise<object>
  /** Calls an API with the access token. @returns the status */
  call(url: URL): Promise<number>
  /** @returns whether the refresh token is another one @throws what the library throws */
  refresh(): Promise<boolean>
  /** @returns where to sign out */
  end(): URL
  /** The code of an error that the library threw. */
  errorOf(error: unknown): string | undefined
}

/** A setting of the program. @throws Error when there is none */
export function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set.`)
  return value
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** @throws what is thrown, if it is no refusal by the bridge */
async function refusal(library: ClientLibrary, act: () => Promise<unknown>): Promise<string> {
  try {
    await act()
  } catch (error) {
    const code = library.errorOf(error)
    if (code === undefined) throw error
    return code
  }
  throw new Error('This should have been refused.')
}

/** Milliseconds between two calls of the API. */
const PAUSE = 100

/** Is a client from its sign-in to its sign-out. @see driver.ts */
export async function converse(library: ClientLibrary): Promise<void> {
  const input = createInterface({ input: process.stdin })
  const answers = input[Symbol.asyncIterator]()
  const open = async (url: URL): Promise<URL> => {
    say({ open: url.href })
    const { value } = await answers.next()
    return new URL((JSON.parse(value as string) as { callback: string }).callback)
  }
  const api = new URL(setting('API'))
  const call = async (): Promise<number> => {
    const status = await library.call(api)
    say({ called: { status } })
    return status
  }

  try {
    const callback = await open(await library.begin())
    if (callback.searchParams.has('error')) {
      say({ failed: await refusal(library, () => library.redeem(callback)) })
      return
    }
    say({ signed_in: await library.redeem(callback) })
    if (process.env['REDEEM_TWICE'] !== undefined) {
      say({ failed: await refusal(library, () => library.redeem(callback)) })
      say({ refused: await refusal(library, () => library.refresh()) })
      return
    }
    say({ userinfo: await library.userinfo() })
    await call()
    say({ refreshed: { rotated: await library.refresh() } })
    await call()
    await open(library.end())
    say({ refused: await refusal(library, () => library.refresh()) })
    // The gate hears of it a moment later: there is nothing to wait for but its answer.
    const nothing = new URL(setting('NOTHING'))
    let status = await library.call(nothing)
    while (status === 404) {
      await wait(PAUSE)
      status = await library.call(nothing)
    }
    say({ called: { status } })
  } finally {
    input.close()
  }
}
