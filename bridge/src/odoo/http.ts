import { Pool } from 'undici'
import { OdooUnavailable } from './port.ts'

export interface OdooHttpOptions {
  /** `http://odoo:8069` */
  baseUrl: string
  /** Milliseconds for one call, the wait for a free connection included. */
  timeout: number
  /** How many calls Odoo has to bear at once; the others wait for a free connection. */
  connections: number
}

export interface OdooRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}

/** An answer of Odoo, redirects included: nothing is followed. */
export interface OdooAnswer {
  status: number
  text: string
  /** The values of `Set-Cookie`. */
  setCookies: string[]
}

/** The one way to Odoo: connections that are kept, a bound on their number, a bound on time. */
export interface OdooHttp {
  /** @throws OdooUnavailable if there is no answer in time, or none that Odoo itself gave */
  send(request: OdooRequest): Promise<OdooAnswer>
  /** Ends the connections when the calls under way are answered. */
  close(): Promise<void>
}

/** Bytes: what no list that the bridge asks for comes near to. */
const MAX_ANSWER = 32 * 1024 * 1024

/** Sends without asking what the answer means. */
export function odooHttp({ baseUrl, timeout, connections }: OdooHttpOptions): OdooHttp {
  const pool = new Pool(baseUrl, { connections, maxResponseSize: MAX_ANSWER })
  return {
    send: async ({ method, path, headers = {}, body }) => {
      try {
        const response = await pool.request({
          method,
          path,
          headers,
          body: body ?? null,
          signal: AbortSignal.timeout(timeout),
        })
        const text = await response.body.text()
        // A proxy without an Odoo behind it, or an Odoo that broke over the call.
        if (response.statusCode >= 500) {
          throw new OdooUnavailable(`Odoo answered ${path} with status ${response.statusCode}.`)
        }
        const setCookies = [response.headers['set-cookie'] ?? []].flat()
        return { status: response.statusCode, text, setCookies }
      } catch (error) {
        if (error instanceof OdooUnavailable) throw error
        throw new OdooUnavailable(`Odoo does not answer at ${path}.`, { cause: error })
      }
    },
    close: () => pool.close(),
  }
}
