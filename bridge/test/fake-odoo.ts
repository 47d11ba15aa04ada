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
  /** External ids of groups, by login. */
  groups: Record<string, string[]>
  /** What a search for partners finds. */
  contacts: object[]
  /** What every write is refused with. */
  refuseWrites: { name: string; message: string } | undefined
  /** Calls of these paths are answered, after they were acted upon, when this has resolved. */
  hold: { path: RegExp; until: Promise<void> } | undefined
  /** Resolves when the next call has come. */
  called(): Promise<void>
  close(): Promise<void>
}

/** The users with a code have a second factor. */
const USERS: Record<string, { uid: number; password: string; code?: string }> = {
  demo: { uid: 6, password: 'demo' },
  other: { uid: 7, password: 'other' },
  second: { uid: 8, password: 'second', code: '123456' },
}

/** What Odoo has of Marc Demo himself; `false` is its word for empty. */
export const OWN_PARTNER = {
  id: 3,
  lang: 'fr_BE',
  tz: 'Europe/Brussels',
  website: false,
  email: 'marc@example.com',
  phone: '+32 2 555 12 34',
  street: '3575 Buena Vista Avenue',
  street2: 'Suite 12',
  city: 'Eugene',
  zip: '97401',
  state_id: [1, 'Oregon (US)'],
  country_id: [233, 'United States'],
  write_date: '2026-01-02 03:04:05',
}

/** As a user of Odoo, he is this. */
export const OWN_USER = {
  id: 6,
  name: 'Marc Demo',
  login: 'demo',
  lang: 'fr_BE',
  partner_id: [3, 'Marc Demo'],
  company_id: [1, 'My Company'],
  company_ids: [1],
}

const CODE_FORM = `<form method="POST"><input type="hidden" name="csrf_token" value="the-token"/>
  <input name="totp_token" autocomplete="off"/></form>`

const PARTNER = {
  id: 1,
  name: 'Azure Interior',
  email: 'azure@example.com',
  phone: false,
  city: '',
  commercial_company_name: 'Azure',
  is_company: true,
  image_128: false,
}

/** Speaks enough of Odoo's JSON-RPC for the unit tests; the real one has its own tests. */
export async function startFakeOdoo(): Promise<FakeOdoo> {
  let made = 0

  const refused = (name: string, message = name) => ({
    error: { message: 'Odoo Server Error', data: { name, message } },
  })

  /** Half sessions: who has given a password and owes a code. */
  const halves = new Map<string, string>()
  const owners = new Map<string, string>()
  const called = new Set<() => void>()

  const begin = (login: string): string => {
    const id = `session-${++made}`
    owners.set(id, login)
    fake.sessions.add(id)
    return id
  }

  const answerForm = (
    method: string | undefined,
    session: string,
    body: string,
  ): { status: number; cookie?: string; text?: string } => {
    const login = halves.get(session)
    if (login === undefined) return { status: 303 }
    if (method === 'GET') return { status: 200, text: CODE_FORM }
    const sent = new URLSearchParams(body)
    if (sent.get('csrf_token') !== 'the-token') return { status: 400 }
    if (sent.get('totp_token') !== USERS[login]?.code) return { status: 200, text: CODE_FORM }
    halves.delete(session)
    return { status: 303, cookie: begin(login) }
  }

  const call = (session: string, params: Record<string, unknown>): unknown => {
    const { model, method, args } = params as { model: string; method: string; args: unknown[] }
    switch (`${model}.${method}`) {
      case 'res.users.has_group':
        return fake.groups[owners.get(session) ?? 'demo']?.includes(String(args[1])) ?? false
      case 'res.users.read':
        return [OWN_USER]
      case 'res.partner.read':
        return [OWN_PARTNER]
      case 'res.partner.search_read':
        return fake.contacts
      case 'res.partner.search_count':
        return 1
      default:
        return undefined
    }
  }

  const answer = (path: string, session: string, params: Record<string, unknown>) => {
    if (path === '/web/session/authenticate') {
      const login = String(params['login'])
      const user = USERS[login]
      if (user?.password !== params['password']) return refused('odoo.exceptions.AccessDenied')
      if (user?.code === undefined) return { result: { uid: user?.uid }, cookie: begin(login) }
      const half = `half-${++made}`
      halves.set(half, login)
      return { result: { uid: null }, cookie: half }
    }
    if (!fake.sessions.has(session)) return refused('odoo.http.SessionExpiredException')
    if (path === '/web/session/destroy') {
      fake.sessions.delete(session)
      return {}
    }
    if (path === '/web/session/get_session_info') {
      return { result: { uid: USERS[owners.get(session) ?? '']?.uid } }
    }
    const next = fake.rotateTo
    fake.rotateTo = undefined
    if (next) {
      fake.sessions.add(next)
      owners.set(next, owners.get(session) ?? 'demo')
    }
    if (params['method'] === 'write' && fake.refuseWrites) {
      return refused(fake.refuseWrites.name, fake.refuseWrites.message)
    }
    return { result: call(session, params), cookie: next }
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
      const session = /session_id=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
      const text = Buffer.concat(chunks).toString()
      const setSession = (id: string | undefined) => {
        if (id) response.setHeader('set-cookie', `session_id=${id}; Path=/; HttpOnly`)
      }
      if (path === '/web/login/totp') {
        fake.calls.push({ path, headers: request.headers, params: {} })
        const { status, cookie, text: form } = answerForm(request.method, session, text)
        setSession(cookie)
        response.writeHead(status).end(form)
        return
      }
      const { params } = JSON.parse(text) as { params: Record<string, unknown> }
      fake.calls.push({ path, headers: request.headers, params })
      const { cookie, ...rest } = answer(path, session, params) as { cookie?: string }
      setSession(cookie)
      const end = () => response.end(JSON.stringify({ jsonrpc: '2.0', id: null, ...rest }))
      for (const tell of called) tell()
      called.clear()
      if (fake.hold?.path.test(path)) void fake.hold.until.then(end)
      else end()
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
    groups: { demo: ['base.group_user'], other: ['base.group_user'] },
    contacts: [PARTNER],
    refuseWrites: undefined,
    hold: undefined,
    called: () => new Promise((resolve) => called.add(resolve)),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return fake
}
