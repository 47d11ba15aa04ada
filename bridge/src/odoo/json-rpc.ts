import OdooAwait from 'odoo-await'
import { OdooRefused, OdooSessionEnded, OdooUnavailable } from './port.ts'

export interface OdooJsonRpcOptions {
  /** `http://odoo:8069` */
  baseUrl: string
  database: string
  /** Milliseconds for one call. */
  timeout: number
  /** With `connect()`. */
  login?: string
  password?: string
  /** To go on with a session that Odoo knows. */
  session?: { uid: number; id: string; onRotated: (id: string) => Promise<void> }
  /** Headers for each call: whom the bridge speaks for. */
  headers?: Record<string, string>
}

interface JsonRpcAnswer {
  result?: unknown
  error?: { message?: string; data?: { name?: string; message?: string } }
}

/** What `/web/session/authenticate` gives. */
export interface SessionInfo {
  /** `null`: the password is right and a second factor is due. */
  uid: number | null
}

const SESSION_COOKIE = 'session_id'

const ENDED = 'odoo.http.SessionExpiredException'

/**
 * odoo-await over JSON-RPC with a web session instead of XML-RPC with a password. All of odoo-await
 * goes through `connect` and `execute_kw`, so all of it works as the user, record rules included.
 * @see odoo/addons/web/controllers/session.py, dataset.py
 */
export class OdooJsonRpc extends OdooAwait {
  /** The id of the session at Odoo: from the options, by `connect()`, or the last that Odoo gave. */
  sessionId: string | undefined
  readonly #options: OdooJsonRpcOptions

  constructor(options: OdooJsonRpcOptions) {
    super({
      baseUrl: options.baseUrl,
      db: options.database,
      username: options.login ?? '',
      password: options.password ?? '',
    })
    this.#options = options
    this.sessionId = options.session?.id
  }

  /**
   * Signs in and keeps the session.
   * @returns `uid: null` if Odoo asks for a second factor
   * @throws OdooRefused with `odoo.exceptions.AccessDenied` for a wrong login or password
   */
  override async connect(): Promise<SessionInfo> {
    const { database, login, password } = this.#options
    return (await this.#call('/web/session/authenticate', {
      db: database,
      login,
      password,
    })) as SessionInfo
  }

  /** @throws OdooUnavailable, OdooSessionEnded, OdooRefused */
  override async execute_kw(model: string, method: string, params: unknown[]): Promise<unknown> {
    const [args = [], kwargs = {}] = params
    return this.#call(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs })
  }

  /** Ends the session at Odoo. */
  async disconnect(): Promise<void> {
    await this.#call('/web/session/destroy', {})
  }

  async #call(path: string, params: object): Promise<unknown> {
    const response = await this.#post(path, { jsonrpc: '2.0', method: 'call', params })
    const { result, error } = await readAnswer(response)
    if (error) {
      const name = error.data?.name ?? ''
      if (name === ENDED) throw new OdooSessionEnded()
      throw new OdooRefused(name, error.data?.message ?? error.message ?? 'unknown')
    }
    await this.#keepSession(response)
    return result
  }

  async #post(path: string, body: object): Promise<Response> {
    const { baseUrl, headers, timeout } = this.#options
    const cookie =
      this.sessionId === undefined ? {} : { Cookie: `${SESSION_COOKIE}=${this.sessionId}` }
    try {
      return await fetch(new URL(path, baseUrl), {
        method: 'POST',
        headers: { ...headers, ...cookie, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout),
      })
    } catch (cause) {
      throw new OdooUnavailable(`Odoo does not answer at ${path}.`, { cause })
    }
  }

  /** Odoo gives a session another id every few hours, and forgets the old one soon after. */
  async #keepSession(response: Response): Promise<void> {
    const given = response.headers
      .getSetCookie()
      .map((cookie) => /^session_id=([\w-]+)/.exec(cookie)?.[1])
      .find((id) => id !== undefined)
    if (given === undefined || given === this.sessionId) return
    this.sessionId = given
    await this.#options.session?.onRotated(given)
  }
}

async function readAnswer(response: Response): Promise<JsonRpcAnswer> {
  if (!response.ok) {
    await response.body?.cancel()
    throw new OdooUnavailable(`Odoo answered with status ${response.status}.`)
  }
  try {
    return (await response.json()) as JsonRpcAnswer
  } catch (cause) {
    throw new OdooUnavailable('Odoo answered something that is not JSON.', { cause })
  }
}
