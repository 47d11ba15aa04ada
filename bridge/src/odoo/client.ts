import OdooAwait from 'odoo-await'
import type { OdooClient } from './port.ts'

/** Calls a method of a model. `args` begin with the ids, where the method takes some. */
export type CallModel = (
  model: string,
  method: string,
  args: unknown[],
  kwargs: object,
) => Promise<unknown>

/**
 * odoo-await over another transport than XML-RPC with a password. All of odoo-await goes through
 * `execute_kw`, so all of it works.
 */
class Client extends OdooAwait {
  readonly #call: CallModel

  constructor(call: CallModel) {
    super({ baseUrl: 'http://unused', db: '', username: '', password: '' })
    this.#call = call
  }

  override connect(): Promise<never> {
    return Promise.reject(new Error('Whoever has this client is signed in already.'))
  }

  override execute_kw(model: string, method: string, params: unknown[]): Promise<unknown> {
    const [args = [], kwargs = {}] = params as [unknown[]?, object?]
    return this.#call(model, method, args, kwargs)
  }
}

/** odoo-await's calls, by `call`. */
export const odooClient = (call: CallModel): OdooClient => new Client(call)
