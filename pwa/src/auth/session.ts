import { PATHS } from '@drawbridge/bridge/contract'
import type { LoginRequest } from '@drawbridge/bridge/contract'
import { readTokenResponse } from './access-token.ts'
import type { AccessToken } from './access-token.ts'
import { bridgeRequests, failure } from './bridge-requests.ts'
import type { Post } from './bridge-requests.ts'
import { destinations } from './destinations.ts'
import { SessionError, toSessionError } from './errors.ts'
import { SessionEventTarget } from './events.ts'
import type { RefreshReason, SessionEventMap, SessionEventName } from './events.ts'
import { Tabs } from './tabs.ts'
import type { TabMessage } from './tabs.ts'

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

/** How long the message of the tab that had the lock may take to arrive, in milliseconds. */
const HANDOVER = 250

interface Renewal {
  token: Promise<AccessToken>
  cancel: AbortController
}

/**
 * One user's session at the bridge, in one tab.
 *
 * The access token is kept in memory, the refresh token in an HttpOnly cookie that no script sees.
 * Of all tabs and all calls that need a new access token at once, one asks for it.
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
  readonly #post: Post
  readonly #now: () => number
  readonly #tabs: Tabs
  readonly #closing = new AbortController()

  #token: AccessToken | null = null
  /** Signed out for certain: not even the cookie is tried until somebody signs in. */
  #signedOut = false
  #renewal: Renewal | null = null
  /** Counts changes of session. What was asked for in an earlier turn is void when it is answered. */
  #turn = 0
  /** Sessions that ended here. A late answer or message must not bring one back. */
  readonly #ended = new Set<string>()
  #heard: (() => void) | null = null
  #calls = 0

  constructor(options: SessionOptions) {
    super()
    this.#bridge = options.bridge.replace(/\/+$/, '')
    this.#mayHaveToken = destinations(options.resources ?? [`${this.#bridge}/api`])
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    this.#post = bridgeRequests(this.#bridge, this.#fetch, options.requestTimeout ?? 15_000)
    this.#now = options.now ?? (() => Date.now())
    this.#tabs = new Tabs(
      `drawbridge/1 ${this.#bridge}`,
      options.lockTimeout ?? 5000,
      (message) => {
        this.#hear(message)
      },
    )
    // Timers sleep with the machine: look at the clock when the user comes back.
    if ('document' in globalThis) {
      const { signal } = this.#closing
      document.addEventListener('visibilitychange', this.#wake, { signal })
    }
  }

  /** Who is signed in; `sub` is the Odoo user id. Null if nobody is. */
  get user(): { sub: string } | null {
    return this.#token && { sub: this.#token.sub }
  }

  /** When the access token expires, in milliseconds since 1970 by the local clock. */
  get expiresAt(): number | null {
    return this.#token?.expiresAt ?? null
  }

  /**
   * Signs in with the user's Odoo credentials.
   * @param credentials with the code of the second factor, once the bridge has asked for it
   * @throws {SessionError} `invalid_credentials`, `mfa_required` (call again, with the code),
   * `invalid_totp`, `odoo_unavailable`, `unreachable`, …
   */
  async login(credentials: LoginRequest): Promise<void> {
    const begun = this.#now()
    let before: AccessToken | null = null
    try {
      await this.#tabs.alone(async () => {
        const answer = await this.#post(PATHS.login, credentials)
        if (!answer.ok) throw failure(answer)
        const token = readTokenResponse(answer.body, this.#now())
        before = this.#token
        this.#turn++
        this.#keep(token)
      })
    } catch (cause) {
      const error = toSessionError(cause)
      this.#emit('login', { ok: false, code: error.code, duration: this.#now() - begun })
      throw error
    }
    this.#emit('login', { ok: true, duration: this.#now() - begun })
    this.#announce(before, 'login')
  }

  /**
   * Picks up the session that the cookie may hold. Call it once, when the page is opened.
   * @returns whether there is one
   * @throws {SessionError} `unreachable` and the like: nobody knows, ask again
   */
  async restore(): Promise<boolean> {
    try {
      await this.#renew('restore', this.#token)
      return true
    } catch (error) {
      if (this.#signedOut) return false
      throw error
    }
  }

  /**
   * Signs out, here and in all other tabs. The tokens in memory are gone at once, whatever happens.
   * @throws {SessionError} if the bridge could not be told: then the cookie still holds the session,
   * and signing out has to be tried again
   */
  async logout(): Promise<void> {
    const begun = this.#now()
    const had = this.#token
    this.#tabs.tell({ type: 'signed-out', reason: 'logout', sid: had?.sid ?? null })
    this.#forget()
    if (had) this.#emit('signed-out', { reason: 'logout', by: 'here' })
    try {
      await this.#tabs.alone(async () => {
        const answer = await this.#post(PATHS.logout, {})
        // 401: the session was over already.
        if (!answer.ok && answer.status !== 401) throw failure(answer)
      })
    } catch (cause) {
      const error = toSessionError(cause)
      this.#emit('logout', { ok: false, code: error.code, duration: this.#now() - begun })
      throw error
    }
    this.#emit('logout', { ok: true, duration: this.#now() - begun })
  }

  /**
   * `fetch`, with the access token where it may be sent. On a 401 the token is renewed and the
   * request repeated, body included, once at most. Elsewhere it is `fetch` as it is.
   *
   * A redirect is an error where the token is sent, unless the caller asks for `manual`: the token
   * must not follow it.
   * @throws {SessionError} if there is no session, or it could not be renewed
   * @throws {TypeError} if the request itself found no answer, as `fetch` does
   */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const target =
      input instanceof Request
        ? input
        : new URL(input, 'document' in globalThis ? document.baseURI : `${this.#bridge}/`)
    const plain = new Request(target, init)
    if (!this.#mayHaveToken(plain.url)) return this.#fetch(plain)

    const request = plain.redirect === 'follow' ? new Request(plain, { redirect: 'error' }) : plain
    const spare = request.clone()
    const id = ++this.#calls
    const { method } = request
    const path = new URL(request.url).pathname

    const token = await this.#usable()
    this.#emit('call', { id, attempt: 1, method, path })
    const response = await this.#send(request, token, id, 1)
    if (response.status !== 401) return response

    // Not waited for: Firefox may keep a body that is not let go of, and the request with it.
    response.body?.cancel().catch(() => undefined)
    const renewed = await this.#renew('unauthorized', token)
    // What one user asked for is not done in another's name.
    if (renewed.sub !== token.sub) throw new SessionError('user_changed')
    this.#emit('retry', { id, method, path })
    return this.#send(spare, renewed, id, 2)
  }

  /** Lets go of the token, the other tabs and the page. The session itself goes on. */
  close(): void {
    this.#turn++
    this.#renewal?.cancel.abort()
    this.#token = null
    this.#closing.abort()
    this.#tabs.close()
  }

  async #send(request: Request, token: AccessToken, id: number, attempt: 1 | 2): Promise<Response> {
    const begun = this.#now()
    const { method } = request
    const path = new URL(request.url).pathname
    const answered = (status: number, challenge?: string) => {
      const reason = challenge === undefined ? {} : { challenge }
      const duration = this.#now() - begun
      this.#emit('answer', { id, attempt, method, path, status, ...reason, duration })
    }
    request.headers.set('Authorization', `Bearer ${token.value}`)
    try {
      const response = await this.#fetch(request)
      const challenge = response.headers.get('WWW-Authenticate') ?? ''
      answered(response.status, /error_description="([^"]*)"/.exec(challenge)?.[1])
      return response
    } catch (error) {
      answered(0)
      throw error
    }
  }

  /** A token that is not known to have expired. */
  async #usable(): Promise<AccessToken> {
    if (this.#token && !this.#hasExpired()) return this.#token
    const before = this.#token
    const renewed = await this.#renew('expired', before)
    if (before && renewed.sub !== before.sub) throw new SessionError('user_changed')
    return renewed
  }

  #hasExpired(): boolean {
    return this.refreshAhead && this.#token !== null && this.#now() >= this.#token.expiresAt
  }

  readonly #wake = (): void => {
    if (document.visibilityState !== 'visible' || !this.#hasExpired()) return
    // Nobody waits for it: the events say how it went, and the next call tries again.
    this.#renew('wake', this.#token).catch(() => undefined)
  }

  /**
   * A newer token than `stale`. All who ask while one is being fetched get that one, and so do
   * those who were answered 401 before it came.
   */
  async #renew(reason: RefreshReason, stale: AccessToken | null): Promise<AccessToken> {
    if (this.#signedOut) throw new SessionError('signed_out')
    if (this.#token && this.#token !== stale) return this.#token
    if (this.#renewal) return this.#renewal.token
    const cancel = new AbortController()
    const renewal = { cancel, token: this.#renewNow(reason, stale, cancel.signal) }
    this.#renewal = renewal
    try {
      return await renewal.token
    } finally {
      if (this.#renewal === renewal) this.#renewal = null
    }
  }

  async #renewNow(
    reason: RefreshReason,
    stale: AccessToken | null,
    signal: AbortSignal,
  ): Promise<AccessToken> {
    const turn = this.#turn
    const begun = this.#now()
    this.#emit('refresh', { reason })
    let outcome: AccessToken | SessionError | null
    try {
      outcome = await this.#tabs.alone((waited) => this.#ask(turn, stale, waited, signal))
    } catch (error) {
      // A cancelled request fails too, but then it does not matter any more how.
      outcome = this.#turn === turn ? toSessionError(error) : null
    }
    const from = outcome ? 'bridge' : 'tab'
    outcome ??= this.#token ?? new SessionError('signed_out')

    const duration = this.#now() - begun
    if (outcome instanceof SessionError) {
      const refused = outcome.status === 401
      const { code } = outcome
      this.#emit('refreshed', {
        reason,
        outcome: refused ? 'refused' : 'failed',
        from,
        code,
        duration,
      })
      if (refused && stale) this.#emit('signed-out', { reason: 'refused', by: 'here' })
      throw outcome
    }
    this.#emit('refreshed', { reason, outcome: 'renewed', from, duration })
    if (from === 'bridge') this.#announce(stale, 'restore')
    return outcome
  }

  /**
   * Asks the bridge for a newer token than `stale`. Runs under the lock: no event is sent here.
   * @returns the token, or the refusal; null if the matter was settled without asking, or while
   */
  async #ask(
    turn: number,
    stale: AccessToken | null,
    waited: boolean,
    signal: AbortSignal,
  ): Promise<AccessToken | SessionError | null> {
    const settled = () => this.#turn !== turn || this.#token !== stale
    // The tab before may have just renewed it: its message and the lock travel apart.
    if (waited && !settled()) await this.#nextMessage()
    if (settled()) return null

    const answer = await this.#post(PATHS.refresh, {}, signal)
    if (this.#turn !== turn) return null
    if (answer.status === 401) {
      if (stale) this.#tabs.tell({ type: 'signed-out', reason: 'refused', sid: stale.sid })
      this.#forget()
      return failure(answer)
    }
    if (!answer.ok) return failure(answer)
    const token = readTokenResponse(answer.body, this.#now())
    if (this.#ended.has(token.sid)) return null
    this.#keep(token)
    return token
  }

  /** Takes a token of the bridge's and hands it to the other tabs. */
  #keep(token: AccessToken): void {
    this.#token = token
    this.#signedOut = false
    this.#tabs.tell({ type: 'token', token })
  }

  /** Drops the token, and whatever is still under way for it. */
  #forget(): void {
    if (this.#token) this.#ended.add(this.#token.sid)
    this.#token = null
    this.#signedOut = true
    this.#turn++
    this.#renewal?.cancel.abort()
    this.#renewal = null
  }

  #hear(message: TabMessage): void {
    if (message.type === 'token') {
      this.#takeOver(message.token)
    } else {
      if (message.sid !== null) this.#ended.add(message.sid)
      // A refusal ends the session that it was about; a sign-out ends whatever the cookie held.
      if (message.reason === 'logout' || message.sid === this.#token?.sid) {
        const had = this.#token
        this.#forget()
        if (had) this.#emit('signed-out', { reason: message.reason, by: 'tab' })
      }
    }
    this.#heard?.()
  }

  #takeOver(token: AccessToken): void {
    const before = this.#token
    if (this.#ended.has(token.sid)) return
    if (before && token.expiresAt < before.expiresAt) return
    // Somebody signed in over there: a refresh for the session before must not undo that.
    if (before && before.sid !== token.sid) this.#turn++
    this.#token = token
    this.#signedOut = false
    this.#announce(before, 'tab')
  }

  #announce(before: AccessToken | null, by: SessionEventMap['signed-in']['by']): void {
    if (!this.#token) return
    if (!before) this.#emit('signed-in', { by })
    else if (before.sub !== this.#token.sub) this.#emit('user-changed', { sub: this.#token.sub })
  }

  async #nextMessage(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, HANDOVER)
      this.#heard = resolve
    })
    clearTimeout(timer)
    this.#heard = null
  }

  #emit<Name extends SessionEventName>(name: Name, detail: SessionEventMap[Name]): void {
    this.dispatchEvent(new CustomEvent(name, { detail }))
  }
}

/** @see SessionOptions */
export const createSession = (options: SessionOptions): Session => new Session(options)
