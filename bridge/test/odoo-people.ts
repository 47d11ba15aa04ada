/** People at a real Odoo, for the integration tests: made by its administrator, and as they would by themselves. */
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { authenticatorApp } from '@drawbridge/e2e/authenticator-app'
import { readStack } from '@drawbridge/e2e/stack'
import { odooHttp } from '../src/odoo/http.ts'
import type { OdooClient, OdooUser } from '../src/odoo/port.ts'
import { stockOdoo } from '../src/odoo/stock.ts'

/** Somebody who has just been made. */
export interface Person {
  uid: number
  login: string
  password: string
}

/** @param groups external ids */
export async function makePerson(admin: OdooClient, groups = ['base.group_user']): Promise<Person> {
  const login = `person-${randomUUID()}`
  const password = randomUUID()
  const ids = await Promise.all(
    groups.map(async (group) => {
      const [module, name] = group.split('.')
      const [data] = await admin.searchRead<{ res_id: number }>(
        'ir.model.data',
        [
          ['module', '=', module],
          ['name', '=', name],
        ],
        ['res_id'],
      )
      return data?.res_id
    }),
  )
  const values = { name: login, login, password, group_ids: [[6, 0, ids]] }
  const [uid] = (await admin.execute_kw('res.users', 'create', [[[values]]])) as number[]
  if (uid === undefined) throw new Error('Odoo made nobody.')
  return { uid, login, password }
}

/** What acts as a user with the session that a sign-in gave. */
export const userOf = (user: Pick<OdooUser, 'uid' | 'odooSession' | 'odooStamp'>): OdooUser => ({
  ...user,
  onRotated: () => Promise.resolve(),
  reload: () => Promise.resolve(undefined),
  accessToken: () => Promise.reject(new Error('There is none.')),
})

/** The stack's Odoo, as somebody is in a browser. */
export async function odooAs(
  t: Test,
  account: { login: string; password: string },
): Promise<OdooClient> {
  const { inside, issuer } = readStack()
  const http = odooHttp({ baseUrl: inside.odooUrl, timeout: 20_000, connections: 2 })
  t.teardown(() => http.close())
  const stock = stockOdoo({
    http,
    checkHttp: http,
    database: inside.odooDatabase,
    roleMap: {},
    issuer,
  })
  const from = { clientAddress: '198.51.100.8', userAgent: 'a test', totp: undefined }
  const result = await stock.signIn({ ...account, ...from })
  if (result.outcome !== 'identity') throw new Error(`Odoo answered ${result.outcome}.`)
  return stock.asUser(userOf(result.identity))
}

interface Action {
  res_model: string
  res_id: number
}

/**
 * Turns the second factor on, through Odoo's own wizard and its question for the password.
 * @param odoo acts as the person
 * @returns an authenticator app: the code that it shows for the `n`th step after the one that
 * was used to turn it on. Odoo takes the next one already, and takes each once.
 */
export async function enableTotp(
  odoo: OdooClient,
  { uid, password }: Person,
): Promise<(n: number) => string> {
  const call = (model: string, method: string, id: number, context: object = {}) =>
    odoo.execute_kw(model, method, [[[id]], { context }])
  const question = (await call('res.users', 'action_totp_enable_wizard', uid)) as Action
  const wizard = (await call(question.res_model, 'run_check', question.res_id, {
    password,
  })) as Action
  const [shown] = await odoo.read<{ secret: string }>(wizard.res_model, [wizard.res_id], ['secret'])
  const code = authenticatorApp(shown?.secret ?? '')
  await call(wizard.res_model, 'enable', wizard.res_id, { code: code(0) })
  return code
}
