import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ErrorCode, LoginRequest } from '@drawbridge/bridge/contract'

/** A request as the server saw it. */
export interface Seen {
  method: string
  path: string
  authorization: string | undefined
  body: string
}

/** A promise that a test keeps in its hand. */
export interface Gate {
  open: () => void
  opened: Promise<void>
}

export function gate(): Gate {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * The other side of the client: a server on loopback that keeps sessions by the contract and can
 * be told to hold an answer back or to fail.
 */
export class Bridge {
  /** Seconds. */
  lifetime = 600
  /** Seconds that a session lives on without a refresh. */
  sessionLifetime = 6 * 86_400
  /** Codes of the second factor, by the logins that need one. */
  readonly codes = new Map<string, string>()
  /** Every request, in order. */
  readonly seen: Seen[] = []
  /** Waited for before a protected request is answered. */
  holdCall: Promise<void> | null = null
  /** Answered to `POST /auth/refresh` in place of the truth. */
  refreshFails: { status: number; error: ErrorCode } | null = null
  /** What every answer says of its making. */
  timing: string | undefined
  /** What a protected request with a good token is answered. */
  answer: ((path: string) => { status: number; json: unknown } | null) | null = null
  /** Answered to `POST /auth/logout` in place of the truth. */
  logoutFails: { status: number; error: ErrorCode } | null = null

  readonly #server = createServer((request, response) => {
    void this.#answer(request, response)
  })
  readonly #sessions = new Map<string, { sub: string; generation: number; persistent: boolean }>()
  readonly #valid = new Set<string>()
  #refreshHeld: Promise<void> | null = null
  readonly #waiting: { path: string; count: number; resolve: () => void }[] = []
  #made = 0

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How many requests came to a path. */
  count(path: string): number {
    return this.seen.filter((request) => request.path === path).length
  }

  /** Resolves when the `count`th request has come to a path. */
  async arrived(path: string, count = 1): Promise<void> {
    if (this.count(path) >= count) return
    await new Promise<void>((resolve) => {
      this.#waiting.push({ path, count, resolve })
    })
  }

  /** From now on `POST /auth/refresh` is acted upon, and answered when this is opened. */
  holdRefresh(): Gate {
    const held = gate()
    this.#refreshHeld = held.opened
    return held
  }

  /** The gate refuses every access token that was given out so far. */
  expireAccessTokens(): void {
    this.#valid.clear()
  }

  /** No refresh token is good for anything any more. */
  endSessions(): void {
    this.#sessions.clear()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const path = request.url ?? ''
    this.seen.push({
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      body,
    })
    for (const waiting of this.#waiting) {
      if (waiting.path === path && this.count(path) >= waiting.count) waiting.resolve()
    }
    const [sid = '', generation = ''] = (request.headers.cookie ?? '').replace('rt=', '').split('.')
    const { status, headers, json } = await this.#route(
      path,
      body,
      sid,
      Number(generation),
      request,
    )
    if (this.timing !== undefined) response.setHeader('Server-Timing', this.timing)
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    response.end(json === undefined ? undefined : JSON.stringify(json))
  }

  async #route(
    path: string,
    body: string,
    sid: string,
    generation: number,
    request: IncomingMessage,
  ): Promise<{ status: number; headers?: Record<string, string>; json?: unknown }> {
    const refused = (failure: { status: number; error: ErrorCode }) => ({
      status: failure.status,
      json: { error: failure.error },
    })
    if (path === '/auth/login') {
      const { login, password, totp, persistent = true } = JSON.parse(body) as LoginRequest
      if (password !== `${login}'s`) return refused({ status: 401, error: 'invalid_credentials' })
      const code = this.codes.get(login)
      if (code !== totp) {
        const error = totp === undefined ? 'mfa_required' : 'invalid_totp'
        return refused({ status: 401, error })
      }
      const made = `sid-${++this.#made}`
      this.#sessions.set(made, { sub: login, generation: 0, persistent })
      return {
        status: 200,
        headers: { 'Set-Cookie': `rt=${made}.0` },
        json: this.#tokens(made, login, persistent),
      }
    }
    if (path === '/auth/refresh') {
      const failure = this.refreshFails
      const session = this.#sessions.get(sid)
      const usable = session !== undefined && session.generation - generation <= 1
      if (usable) session.generation = generation + 1
      await this.#refreshHeld
      if (failure) return refused(failure)
      if (!usable) return refused({ status: 401, error: 'invalid_refresh_token' })
      return {
        status: 200,
        headers: { 'Set-Cookie': `rt=${sid}.${session.generation}` },
        json: this.#tokens(sid, session.sub, session.persistent),
      }
    }
    if (path === '/auth/logout') {
      if (this.logoutFails) return refused(this.logoutFails)
      this.#sessions.delete(sid)
      return { status: 204, headers: { 'Set-Cookie': 'rt=' } }
    }
    if (path === '/api/moved') return { status: 307, headers: { Location: '/api/protected/data' } }
    const valid = this.#valid.has(request.headers.authorization?.replace('Bearer ', '') ?? '')
    await this.holdCall
    if (path.startsWith('/api/') && !valid) {
      const challenge = 'Bearer error="invalid_token", error_description="The token expired"'
      return { status: 401, headers: { 'WWW-Authenticate': challenge }, json: {} }
    }
    return this.answer?.(path) ?? { status: 200, json: { path, body } }
  }

  #tokens(sid: string, sub: string, persistent: boolean): object {
    const header = base64url({ alg: 'none', typ: 'at+jwt' })
    // Its clock is nobody else's: it only goes on from token to token.
    const iat = ++this.#made
    const token = `${header}.${base64url({ sub, sid, iat })}.x`
    this.#valid.add(token)
    return {
      access_token: token,
      token_type: 'Bearer',
      expires_in: this.lifetime,
      scope: '',
      refresh_expires_in: this.sessionLifetime,
      persistent,
    }
  }
}
