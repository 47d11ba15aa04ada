import { PATHS } from '@drawbridge/bridge/contract'
import type { LoginRequest } from '@drawbridge/bridge/contract'
import { readTokenResponse } from './access-token.ts'
import type { AccessToken } from './access-token.ts'
import { failure } from './bridge-requests.ts'
import type { Post, Timing } from './bridge-requests.ts'
import { SessionError, toSessionError } from './errors.ts'
import type { RefreshReason, SessionEventMap, SessionEventName } from './events.ts'
import { Tabs } from './tabs.ts'
import type { TabMessage } from './tabs.ts'

/**
 * How long the message of the tab that had the lock may take to arrive, in milliseconds. A limit,
 * as nothing says that none will come: that tab may have been closed, or its refresh have failed.
 */
const HANDOVER = 250

export interface TokenHolderOptions {
  /** The same in all tabs of one browser that have the same bridge. */
  name: string
  post: Post
  /** Milliseconds. */
  lockTimeout: number
  /** Milliseconds since 1970. */
  now: () => number
  emit: <Name extends SessionEventName>(name: Name, detail: SessionEventMap[Name]) => void
}

/** Is told how long the bridge took, where it says so, whatever it answered. */
type Tell = (timing: Timing) => void

interface Renewal {
  token: Promise<AccessToken>
  cancel: AbortController
}

/**
 * Holds the access token of one tab. Of all tabs and all calls that need a new one at once, one
 * asks for it.
 */
export class TokenHolder {
  readonly #post: Post
  readonly #now: () => number
  readonly #emit: TokenHolderOptions['emit']
  readonly #tabs: Tabs

  #token: AccessToken | null = null
  /** When it was taken, in milliseconds by the clock of the page, which nobody can set. */
  #since = 0
  /** Signed out for certain: not even the cookie is tried until somebody signs in. */
  #signedOut = false
  #renewal: Renewal | null = null
  /** Counts changes of session. What was asked for in an earlier turn is void when it is answered. */
  #turn = 0
  /** Sessions that ended here. A late answer or message must not bring one back. */
  readonly #ended = new Set<string>()
  #heard: (() => void) | null = null

  constructor({ name, post, lockTimeout, now, emit }: TokenHolderOptions) {
    this.#post = post
    this.#now = now
    this.#emit = emit
    this.#tabs = new Tabs(name, lockTimeout, (message) => {
      this.#hear(message)
    })
  }

  get current(): AccessToken | null {
    return this.#token
  }

  get isSignedOut(): boolean {
    return this.#signedOut
  }

  /**
   * Milliseconds that the token is good for still; null without a token.
   *
   * The server says how long it lives, and only the time since then is counted here: no clock of
   * this machine is compared with the server's. Two clocks count it, and the one that saw more of it
   * is believed. The machine's own is wrong after somebody set it back; that of the page stands
   * still, in most browsers, while the machine sleeps. Believing too early costs a refresh, too
   * late a 401 of the gate, which alone decides.
   */
  get left(): number | null {
    if (!this.#token) return null
    const { askedAt, lifetime } = this.#token
    return lifetime - Math.max(this.#now() - askedAt, performance.now() - this.#since)
  }

  /**
   * @returns the token before, to be announced with `announce` when the lock is free
   * @throws {SessionError}
   */
  signIn(credentials: LoginRequest, tell: Tell): Promise<AccessToken | null> {
    return this.#tabs.alone(async () => {
      const askedAt = this.#now()
      const answer = await this.#post(PATHS.login, credentials)
      tell(answer.timing)
      if (!answer.ok) throw failure(answer)
      const token = readTokenResponse(answer.body, askedAt)
      const before = this.#token
      this.#turn++
      this.#keep(token)
      return before
    })
  }

  /** Drops the token here and in all tabs. */
  drop(): void {
    const had = this.#token
    this.#tabs.tell({ type: 'signed-out', reason: 'logout', sid: had?.sid ?? null })
    this.#forget()
    if (had) this.#emit('signed-out', { reason: 'logout', by: 'here' })
  }

  /** Tells the bridge that the session is over. @throws {SessionError} */
  signOut(tell: Tell): Promise<void> {
    return this.#tabs.alone(async () => {
      const answer = await this.#post(PATHS.logout, {})
      tell(answer.timing)
      // 401: the session was over already.
      if (!answer.ok && answer.status !== 401) throw failure(answer)
    })
  }

  /** Lets go of everything. The session itself goes on. */
  close(): void {
    this.#forget()
    this.#tabs.close()
  }

  /**
   * A newer token than `stale`. All who ask while one is being fetched get that one, and so do
   * those who were answered 401 before it came.
   * @throws {SessionError}
   */
  async renew(reason: RefreshReason, stale: AccessToken | null): Promise<AccessToken> {
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
    const begun = performance.now()
    this.#emit('refresh', { reason })
    let timing: Timing = {}
    const tell: Tell = (told) => (timing = told)
    let outcome: AccessToken | SessionError | null
    try {
      outcome = await this.#tabs.alone((waited) => this.#ask(turn, stale, waited, signal, tell))
    } catch (error) {
      // A cancelled request fails too, but then it does not matter any more how.
      outcome = this.#turn === turn ? toSessionError(error) : null
    }
    const from = outcome ? 'bridge' : 'tab'
    outcome ??= this.#token ?? new SessionError('signed_out')

    const duration = performance.now() - begun
    if (outcome instanceof SessionError) {
      const refused = outcome.status === 401
      const { code } = outcome
      this.#emit('refreshed', {
        reason,
        outcome: refused ? 'refused' : 'failed',
        from,
        code,
        duration,
        ...timing,
      })
      if (refused && stale) this.#emit('signed-out', { reason: 'refused', by: 'here' })
      throw outcome
    }
    this.#emit('refreshed', { reason, outcome: 'renewed', from, duration, ...timing })
    if (from === 'bridge') this.announce(stale, 'restore')
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
    tell: Tell,
  ): Promise<AccessToken | SessionError | null> {
    const settled = () => this.#turn !== turn || this.#token !== stale
    // The tab before may have just renewed it: its message and the lock travel apart.
    if (waited && !settled()) await this.#nextMessage()
    if (settled()) return null

    const askedAt = this.#now()
    const answer = await this.#post(PATHS.refresh, {}, signal)
    tell(answer.timing)
    if (this.#turn !== turn) return null
    if (answer.status === 401) {
      if (stale) this.#tabs.tell({ type: 'signed-out', reason: 'refused', sid: stale.sid })
      this.#forget()
      return failure(answer)
    }
    if (!answer.ok) return failure(answer)
    const token = readTokenResponse(answer.body, askedAt)
    if (this.#ended.has(token.sid)) return null
    this.#keep(token)
    return token
  }

  /** Takes a token of the bridge's and hands it to the other tabs. */
  #keep(token: AccessToken): void {
    this.#take(token)
    this.#tabs.tell({ type: 'token', token })
  }

  #take(token: AccessToken): void {
    this.#token = token
    this.#since = performance.now()
    this.#signedOut = false
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
    // A tab that slept tells late what it was answered long ago.
    if (before && token.iat < before.iat) return
    // Somebody signed in over there: a refresh for the session before must not undo that.
    if (before && before.sid !== token.sid) this.#turn++
    this.#take(token)
    this.announce(before, 'tab')
  }

  /** Tells the app whose session it is now, if that has changed since `before`. */
  announce(before: AccessToken | null, by: SessionEventMap['signed-in']['by']): void {
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
}
