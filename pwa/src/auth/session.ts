import type { LoginRequest } from '@drawbridge/bridge/contract'
import type { AccessToken, CurrentSession } from './access-token.ts'
import { bridgeRequests, timingOf } from './bridge-requests.ts'
import type { Timing } from './bridge-requests.ts'
import { destinations } from './destinations.ts'
import { SessionError, toSessionError, unanswered } from './errors.ts'
import { SessionEventTarget } from './events.ts'
import type { SessionEventMap, SessionEventName } from './events.ts'
import { protectedRequest, unlessAborted } from './protected-request.ts'
import { TokenHolder } from './token-holder.ts'

export interface SessionOptions {
  /** URL of the bridge (its issuer). Must be of the app's own origin: its cookie goes nowhere else. */
  bridge: string
  /** Absolute URLs at and below which the access token may be sent. Default: `<bridge>/api`. */
  resources?: string[]
  /** Milliseconds to wait for a tab that is refreshing, before refreshing without it. Default: 5000. */
  lockTimeout?: number
  /** Milliseconds after which the bridge is taken to be unreachable. Default: 15000. */
  requestTimeout?: number
  /** Default: the browser's. */
  fetch?: typeof globalThis.fetch
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: () => number
}

/**
 * One user's session at the bridge, in one tab.
 *
 * The access token is kept in memory, the refresh token in an HttpOnly cookie that no script sees.
 */
export class Session extends SessionEventTarget {
  /**
   * Whether a token that is known to have expired is renewed before a call. Without it the gate
   * is left to say so with a 401.
   */
  refreshAhead = true

  readonly #bridge: string
  readonly #mayHaveToken: (url: string) => boolean
  readonly #fetch: typeof globalThis.fetch
  readonly #now: () => number
  readonly #holder: TokenHolder
  readonly #closing = new AbortController()
  #calls = 0

  /** @throws {TypeError} if one of `resources` is no absolute http(s) URL */
  constructor(options: SessionOptions) {
    super()
    this.#bridge = options.bridge.replace(/\/+$/, '')
    this.#mayHaveToken = destinations(options.resources ?? [`${this.#bridge}/api`])
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    this.#now = options.now ?? (() => Date.now())
    this.#holder = new TokenHolder({
      name: `drawbridge/1 ${this.#bridge}`,
      post: bridgeRequests(this.#bridge, this.#fetch, options.requestTimeout ?? 15_000),
      lockTimeout: options.lockTimeout ?? 5000,
      now: this.#now,
      emit: (name, detail) => {
        this.#emit(name, detail)
      },
    })
    if ('document' in globalThis) this.#wakeWithPage()
  }

  /** Who is signed in; `sub` is the Odoo user id. Null if nobody is, or nobody knows yet. */
  get user(): { sub: string } | null {
    const token = this.#holder.current
    return token && { sub: token.sub }
  }

  /** The session that calls are made in now; null if there is none. */
  get current(): CurrentSession | null {
    const token = this.#holder.current
    if (!token) return null
    const { sub, sid, sessionExpiresAt, persistent } = token
    return { sub, sid, sessionExpiresAt, persistent }
  }

  /** When the access token expires, in milliseconds since 1970 by the local clock. To be shown. */
  get expiresAt(): number | null {
    const { left } = this.#holder
    return left === null ? null : this.#now() + left
  }

  /**
   * Signs in with the user's Odoo credentials.
   * @param credentials with the code of the second factor, once the bridge has asked for it
   * @throws {SessionError} `invalid_credentials`, `mfa_required` (call again, with the code),
   * `invalid_totp`, `odoo_unavailable`, `unreachable`, …
   */
  async login(credentials: LoginRequest): Promise<void> {
    const begun = performance.now()
    let before: AccessToken | null
    let timing: Timing = {}
    const ended = () => ({ duration: performance.now() - begun, ...timing })
    try {
      before = await this.#holder.signIn(credentials, (told) => (timing = told))
    } catch (cause) {
      const error = toSessionError(cause)
      this.#emit('login', { ok: false, code: error.code, ...ended() })
      throw error
    }
    this.#emit('login', { ok: true, ...ended() })
    this.#holder.announce(before, 'login')
  }

  /**
   * Picks up the session that the cookie may hold. Call it once, when the page is opened.
   * @returns whether there is one
   * @throws {SessionError} `offline`, `unreachable` and the like: nobody knows, ask again
   */
  async restore(): Promise<boolean> {
    try {
      await this.#holder.renew('restore', this.#holder.current)
      return true
    } catch (error) {
      if (this.#holder.isSignedOut) return false
      throw error
    }
  }

  /**
   * Signs out, here and in all other tabs. The tokens in memory are gone at once, whatever happens.
   * @throws {SessionError} if the bridge could not be told: then the cookie still holds the session,
   * and signing out has to be tried again
   */
  async logout(): Promise<void> {
    const begun = performance.now()
    this.#holder.drop()
    let timing: Timing = {}
    const ended = () => ({ duration: performance.now() - begun, ...timing })
    try {
      await this.#holder.signOut((told) => (timing = told))
    } catch (cause) {
      const error = toSessionError(cause)
      this.#emit('logout', { ok: false, code: error.code, ...ended() })
      throw error
    }
    this.#emit('logout', { ok: true, ...ended() })
  }

  /**
   * `fetch`, with the access token where it may be sent. On a 401, whatever it was for, the token is
   * renewed and the request repeated, body included, once at most. Elsewhere it is `fetch` as it is.
   *
   * A second copy of the body is kept until the answer comes. For a stream that is all of it that
   * has been read so far, in memory: send what is large as a `Blob` or `File`, which needs none.
   *
   * Where the token is sent, a redirect is an error unless the caller asks for `manual`, and nothing
   * is taken from or put into the browser's cache unless the caller says how (`cache`).
   * @throws {SessionError} if there is no session, if it could not be renewed, or if there was no
   * answer; `signed_out` and `user_changed` also in place of an answer for somebody who has left
   * meanwhile. What they asked for may have been done.
   * @throws the reason of the caller's `signal`, and `TypeError` for what is no request, as `fetch`
   */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const target =
      input instanceof Request
        ? input
        : new URL(input, 'document' in globalThis ? document.baseURI : `${this.#bridge}/`)
    const plain = new Request(target, init)
    if (!this.#mayHaveToken(plain.url)) return this.#fetch(plain)

    const request = protectedRequest(plain)
    const spare = request.clone()
    const id = ++this.#calls
    const { method, signal } = request
    const path = new URL(request.url).pathname

    const token = await unlessAborted(signal, this.#usable())
    this.#emit('call', { id, attempt: 1, method, path })
    const response = await this.#send(request, token, id, 1)
    if (response.status !== 401) return response

    // It may be long, and nobody reads it. Where it broke off, that is as well.
    response.body?.cancel().catch(() => undefined)
    const renewed = await unlessAborted(signal, this.#holder.renew('unauthorized', token))
    // What one user asked for is not done in another's name.
    if (renewed.sub !== token.sub) throw new SessionError('user_changed')
    this.#emit('retry', { id, method, path })
    return this.#send(spare, renewed, id, 2)
  }

  /** Lets go of the token, the other tabs and the page. The session itself goes on. */
  close(): void {
    this.#closing.abort()
    this.#holder.close()
  }

  async #send(request: Request, token: AccessToken, id: number, attempt: 1 | 2): Promise<Response> {
    const begun = performance.now()
    const { method } = request
    const path = new URL(request.url).pathname
    const answered = (status: number, challenge?: string, timing?: Timing) => {
      const reason = challenge === undefined ? {} : { challenge }
      const duration = performance.now() - begun
      this.#emit('answer', { id, attempt, method, path, status, ...reason, duration, ...timing })
    }
    request.headers.set('Authorization', `Bearer ${token.value}`)
    let response: Response
    try {
      response = await this.#fetch(request)
    } catch (cause) {
      answered(0)
      throw request.signal.aborted ? cause : unanswered(cause)
    }
    const challenge = response.headers.get('WWW-Authenticate') ?? ''
    const reason = /error_description="([^"]*)"/.exec(challenge)?.[1]
    answered(response.status, reason, timingOf(response))
    // What one user was answered is not shown to the next.
    const sub = this.user?.sub
    if (sub === token.sub) return response
    response.body?.cancel().catch(() => undefined)
    throw new SessionError(sub === undefined ? 'signed_out' : 'user_changed')
  }

  /** A token that is not known to have expired. */
  async #usable(): Promise<AccessToken> {
    const before = this.#holder.current
    if (before && !this.#hasExpired()) return before
    const renewed = await this.#holder.renew('expired', before)
    if (before && renewed.sub !== before.sub) throw new SessionError('user_changed')
    return renewed
  }

  #hasExpired(): boolean {
    const { left } = this.#holder
    return this.refreshAhead && left !== null && left <= 0
  }

  /** Timers sleep with the machine: looks at the clock when the user, or the network, comes back. */
  #wakeWithPage(): void {
    const { signal } = this.#closing
    // Nobody waits for it: the events say how it went, and the next call tries again.
    const renew = () => {
      this.#holder.renew('wake', this.#holder.current).catch(() => undefined)
    }
    const look = () => {
      if (document.visibilityState === 'visible' && this.#hasExpired()) renew()
    }
    document.addEventListener('visibilitychange', look, { signal })
    window.addEventListener('online', look, { signal })
    window.addEventListener(
      'pageshow',
      ({ persisted }) => {
        // Brought back by the back button, it has heard nothing of what happened in other tabs.
        if (persisted && this.user) renew()
      },
      { signal },
    )
  }

  #emit<Name extends SessionEventName>(name: Name, detail: SessionEventMap[Name]): void {
    this.dispatchEvent(new CustomEvent(name, { detail }))
  }
}

/** @see SessionOptions */
export const createSession = (options: SessionOptions): Session => new Session(options)
