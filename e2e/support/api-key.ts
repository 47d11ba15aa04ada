import { readStack, type Account } from '../stack/description.ts'

/**
 * Makes an API key the way the preferences of Odoo do it: name it, prove the password, read it once.
 * @see odoo/addons/base/models/res_users.py, res.users.apikeys.description
 */
export async function createApiKey({ login, password }: Account): Promise<string> {
  const { inside } = readStack()
  let cookie = ''

  const rpc = async (path: string, params: object): Promise<unknown> => {
    const response = await fetch(inside.odooUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: cookie },
      body: JSON.stringify({ jsonrpc: '2.0', params }),
    })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    const answer = (await response.json()) as { result?: unknown; error?: { data?: object } }
    if (answer.error) throw new Error(JSON.stringify(answer.error.data).slice(0, 500))
    return answer.result
  }
  const call = (model: string, method: string, args: unknown[], context: object = {}) =>
    rpc(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs: { context } })

  await rpc('/web/session/authenticate', { db: inside.odooDatabase, login, password })
  const values = { name: 'beside the tokens', duration: '1' }
  const [wizard] = (await call('res.users.apikeys.description', 'create', [[values]])) as number[]
  const check = (await call('res.users.apikeys.description', 'make_key', [[wizard]])) as {
    res_id: number
  }
  const shown = (await call('res.users.identitycheck', 'run_check', [[check.res_id]], {
    password,
  })) as { context: { default_key: string } }
  return shown.context.default_key
}
