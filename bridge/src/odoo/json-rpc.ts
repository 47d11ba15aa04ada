import type { OdooAnswer, OdooHttp } from './http.ts'
import { OdooRefused, OdooSessionEnded, OdooUnavailable } from './port.ts'

interface JsonRpcAnswer {
  result?: unknown
  error?: { message?: string; data?: { name?: string; message?: string } }
}

/** Odoo's names for: whoever calls is not, or no longer, signed in. */
const ENDED = [
  'odoo.http.SessionExpiredException',
  'odoo.addons.auth_drawbridge.exceptions.InvalidToken',
  'odoo.addons.auth_drawbridge.exceptions.ExpiredToken',
]

/**
 * One call of a route with `type='jsonrpc'`.
 * @returns the result, and the answer that it came in
 * @throws OdooUnavailable, OdooSessionEnded, OdooRefused
 * @see odoo/http.py, JsonRPCDispatcher
 */
export async function callJsonRpc(
  http: OdooHttp,
  path: string,
  params: object,
  headers: Record<string, string>,
): Promise<{ result: unknown; answer: OdooAnswer }> {
  const answer = await http.send({
    method: 'POST',
    path,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', method: 'call', params }),
  })
  const { result, error } = read(answer, path)
  if (error) {
    const name = error.data?.name ?? ''
    if (ENDED.includes(name)) throw new OdooSessionEnded()
    throw new OdooRefused(name, error.data?.message ?? error.message ?? 'unknown')
  }
  return { result, answer }
}

function read({ status, text }: OdooAnswer, path: string): JsonRpcAnswer {
  if (status !== 200) throw new OdooUnavailable(`Odoo answered ${path} with status ${status}.`)
  try {
    return JSON.parse(text) as JsonRpcAnswer
  } catch (cause) {
    throw new OdooUnavailable(`Odoo answered ${path} with something that is not JSON.`, { cause })
  }
}
