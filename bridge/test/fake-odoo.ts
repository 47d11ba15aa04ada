import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

/** What the fake was asked. */
export interface OdooCall {
  path: string
  headers: IncomingMessage['headers']
  params: Record<string, unknown>
}

export interface FakeOdoo {
  url: string
  calls: OdooCall[]
  /** Sessions that it knows. */
  sessions: Set<string>
  /** The next answer of any call gives the session this id. */
  rotateTo: string | undefined
  /** Answers with this HTTP status from now on. */
  failWith: number | undefined
  close(): Promise<void>
}

const USERS: Record<string, { uid: number | null; password: string; groups: string[] }> = {
  demo: { uid: 6, password: 'demo', groups: ['base.group_user'] },
  second: { uid: null, password: 'second', groups: [] },
}

const PARTNER = {
  id: 1,
  name: 'Azure Interior',
  email: 'azure@example.com',
  phone: false,
  city: '',
  commercial_company_name: 'Azure',
}

/** Speaks enough of Odoo's JSON-RPC for the unit tests; the real one has its own tests. */
export async function startFakeOdoo(): Promise<FakeOdoo> {
  let made = 0

  const refused = (name: string) => ({
    error: { message: 'Odoo Server Error', data: { name, message: name } },
  })

  const call = (params: Record<string, unknown>): unknown => {
    const { model, method, args } = params as { model: string; method: string; args: unknown[] }
    switch (`${model}.${method}`) {
      case 'res.users.has_group':
        return args[1] === 'base.group_user'
      case 'res.users.read':
        return [{ id: 6, name: 'Marc Demo', login: 'demo' }]
      case 'res.partner.search_read':
        return [PARTNER]
      case 'res.partner.search_count':
        return 1
      default:
        return undefined
    }
  }

  const answer = (path: string, session: string, params: Record<string, unknown>) => {
    if (path === '/web/session/authenticate') {
      const user = USERS[String(params['login'])]
      if (user?.password !== params['password']) return refused('odoo.exceptions.AccessDenied')
      const id = `session-${++made}`
      fake.sessions.add(id)
      return { result: { uid: user?.uid }, cookie: id }
    }
    if (!fake.sessions.has(session)) return refused('odoo.http.SessionExpiredException')
    if (path === '/web/session/destroy') {
      fake.sessions.delete(session)
      return {}
    }
    const next = fake.rotateTo
    fake.rotateTo = undefined
    if (next) fake.sessions.add(next)
    return { result: call(params), cookie: next }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (fake.failWith !== undefined) {
        response.writeHead(fake.failWith).end('broken')
        return
      }
      const path = request.url ?? ''
      if (path === '/web/health') {
        response.end('{"status":"pass"}')
        return
      }
      const body = JSON.parse(Buffer.concat(chunks).toString()) as {
        params: Record<string, unknown>
      }
      fake.calls.push({ path, headers: request.headers, params: body.params })
      const session = /session_id=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
      const { cookie, ...rest } = answer(path, session, body.params) as { cookie?: string }
      if (cookie) response.setHeader('set-cookie', `session_id=${cookie}; Path=/; HttpOnly`)
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, ...rest }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const fake: FakeOdoo = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    sessions: new Set(),
    rotateTo: undefined,
    failWith: undefined,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return fake
}
