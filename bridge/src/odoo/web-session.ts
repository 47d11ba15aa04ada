import type { OdooAnswer, OdooHttp } from './http.ts'
import { callJsonRpc } from './json-rpc.ts'
import { OdooSessionEnded, OdooUnavailable } from './port.ts'

/** What is told of a session's id, and asked for it, while calls are made with it. */
export interface WebSessionKeeper {
  /** Odoo gave the session another id. */
  onRotated: (id: string) => Promise<void>
  /** The id as it is on record by now; undefined if the session is over. */
  reload: () => Promise<string | undefined>
}

const TOTP_PATH = '/web/login/totp'

/** A session of Odoo's web client, as a browser would have it. */
export class WebSession {
  /** Of the session, once there is one. */
  id: string | undefined
  readonly #http: OdooHttp
  readonly #headers: Record<string, string>
  readonly #keeper: WebSessionKeeper | undefined

  constructor(
    http: OdooHttp,
    options: {
      /** Whom the bridge speaks for. */
      headers?: Record<string, string>
      id?: string
      keeper?: WebSessionKeeper
    } = {},
  ) {
    this.#http = http
    this.#headers = options.headers ?? {}
    this.id = options.id
    this.#keeper = options.keeper
  }

  /**
   * Signs in.
   * @returns the user's id; null if the password is right and a second factor is due
   * @throws OdooRefused with `odoo.exceptions.AccessDenied` for a wrong login or password
   * @see odoo/addons/web/controllers/session.py
   */
  async authenticate(database: string, login: string, password: string): Promise<number | null> {
    const params = { db: database, login, password }
    return uidOf(await this.#callOnce('/web/session/authenticate', params))
  }

  /**
   * Goes through Odoo's own form for the second factor, with the half session that
   * `authenticate` got.
   * @returns the user's id; undefined if the code is wrong, or too many were tried
   * @see odoo/addons/auth_totp/controllers/home.py
   */
  async secondFactor(code: string): Promise<number | undefined> {
    const form = await this.#send('GET')
    const csrfToken = form.status === 200 ? csrfTokenOf(form.text) : undefined
    if (csrfToken === undefined) {
      throw new OdooUnavailable(`Odoo has no form for the code at ${TOTP_PATH}.`)
    }
    const body = new URLSearchParams({ csrf_token: csrfToken, totp_token: code })
    const answer = await this.#send('POST', body.toString())
    // A wrong code gives the form again.
    if (answer.status === 200) return undefined
    if (answer.status !== 303) {
      throw new OdooUnavailable(`Odoo answered ${TOTP_PATH} with status ${answer.status}.`)
    }
    // A redirect alone proves nothing: without a half session the answer is one, too.
    return uidOf(await this.#callOnce('/web/session/get_session_info', {})) ?? undefined
  }

  /** Calls a route with `type='jsonrpc'`. @throws OdooUnavailable, OdooSessionEnded, OdooRefused */
  async call(path: string, params: object): Promise<unknown> {
    try {
      return await this.#callOnce(path, params)
    } catch (error) {
      if (!(error instanceof OdooSessionEnded)) throw error
      // Another request may have been given the next id meanwhile; and Odoo loses sight of a
      // session for a moment while it tidies up the ids before. It refused before it did anything,
      // so the same call may be made again.
      const id = await this.#keeper?.reload()
      if (id === undefined) throw error
      this.id = id
      return this.#callOnce(path, params)
    }
  }

  /** Ends the session. */
  async destroy(): Promise<void> {
    await this.#callOnce('/web/session/destroy', {})
  }

  async #callOnce(path: string, params: object): Promise<unknown> {
    const { result, answer } = await callJsonRpc(this.#http, path, params, this.#withCookie())
    await this.#keep(answer)
    return result
  }

  async #send(method: 'GET' | 'POST', body?: string): Promise<OdooAnswer> {
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    const headers = { ...this.#withCookie(), ...type }
    const answer = await this.#http.send({
      method,
      path: TOTP_PATH,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    await this.#keep(answer)
    return answer
  }

  #withCookie(): Record<string, string> {
    return this.id === undefined
      ? this.#headers
      : { ...this.#headers, cookie: `session_id=${this.id}` }
  }

  /** Odoo gives a session another id every few hours, and forgets the old one soon after. */
  async #keep({ setCookies }: OdooAnswer): Promise<void> {
    const given = setCookies
      .map((cookie) => /^session_id=([\w-]+)/.exec(cookie)?.[1])
      .find((id) => id !== undefined)
    if (given === undefined || given === this.id) return
    this.id = given
    await this.#keeper?.onRotated(given)
  }
}

function uidOf(sessionInfo: unknown): number | null {
  const uid = (sessionInfo as { uid?: unknown } | null | undefined)?.uid
  if (uid === null || (typeof uid === 'number' && Number.isSafeInteger(uid) && uid > 0)) return uid
  throw new OdooUnavailable('Odoo answered without a user id.')
}

/** The value of the first hidden field of that name, in whatever order its attributes stand. */
function csrfTokenOf(html: string): string | undefined {
  const field = /<input\b[^>]*\bname="csrf_token"[^>]*>/.exec(html)?.[0] ?? ''
  return /\bvalue="([\w-]+)"/.exec(field)?.[1]
}
