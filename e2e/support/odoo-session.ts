import { readStack, type Account } from '../stack/description.ts'

/** Somebody's session at Odoo, as its web client has it. */
export interface OdooSession {
  /** The cookie as a request sends it. */
  readonly cookie: string
  /** Calls a JSON-RPC route. @throws Error with what Odoo says was wrong */
  rpc(path: string, params: object): Promise<unknown>
  /** Calls a method of a model as the web client does. */
  call(model: string, method: string, args: unknown[], context?: object): Promise<unknown>
}

/** Signs in to Odoo itself. */
export async function odooSession(
  { login, password }: Account,
  { url, database }: { url: string; database: string } = ofTheStack(),
): Promise<OdooSession> {
  let cookie = ''
  const rpc = async (path: string, params: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: cookie },
      body: JSON.stringify({ jsonrpc: '2.0', params }),
    })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    const answer = (await response.json()) as { result?: unknown; error?: { data?: object } }
    if (answer.error) throw new Error(JSON.stringify(answer.error.data).slice(0, 500))
    return answer.result
  }
  await rpc('/web/session/authenticate', { db: database, login, password })
  return {
    get cookie() {
      return cookie
    },
    rpc,
    call: (model, method, args, context = {}) =>
      rpc(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs: { context } }),
  }
}

function ofTheStack() {
  const { inside } = readStack()
  return { url: inside.odooUrl, database: inside.odooDatabase }
}
