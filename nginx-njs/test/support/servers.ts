/** The gate's neighbours: an upstream that writes down what reaches it, and a small bridge. */
import { EventEmitter } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RevocationsPage, ValidateRequest } from '@drawbridge/bridge/contract'
import { ISSUER, newKey, type TestKey } from './tokens.ts'

/** What is needed of a test: somewhere to put the cleaning up. */
export interface Cleanup {
  teardown: (fn: () => unknown) => void
}

async function listen(t: Cleanup, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

export interface SeenRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
}

export interface Upstream {
  url: string
  /** Every request that came through, oldest first. */
  seen: SeenRequest[]
  /** How the next requests are answered. */
  respond: (request: IncomingMessage, response: ServerResponse) => void
}

export async function startUpstream(t: Cleanup): Promise<Upstream> {
  const upstream: Upstream = {
    url: '',
    seen: [],
    respond: (_request, response) => {
      response.setHeader('Content-Type', 'text/plain')
      response.end('the data')
    },
  }
  upstream.url = await listen(t, (request, response) => {
    upstream.seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
    })
    upstream.respond(request, response)
  })
  return upstream
}

/** By what the gate is known to the bridge. */
export const CREDENTIAL = 'gate-secret'

export interface TestBridge {
  issuer: string
  jwksUrl: string
  validateUrl: string
  revocationsUrl: string
  /** By what its gate is known to it. */
  credential: string
  /** Every request that came: path and `Authorization`. */
  seen: { path: string; authorization: string | undefined }[]
  /** How the list of revocations is read. */
  revocations: (query: URLSearchParams) => RevocationsPage | Promise<RevocationsPage>
  /** How many times it was read with success. */
  polls: number
  /** Called instead of answering with `revocations`. */
  respondRevocations?: (response: ServerResponse) => void
  /** What is published. */
  jwks: unknown
  /** How many times the key set was fetched. */
  jwksFetches: number
  /** `jwks` after each answer with the key set, `revocations` after each with that list. */
  events: EventEmitter
  /** Called instead of answering with `jwks`. */
  respondJwks?: (response: ServerResponse) => void
  /** The questions that were asked, with the credential. */
  questions: (ValidateRequest & { authorization: string | undefined })[]
  respondValidate: (response: ServerResponse) => void
}

const sendJson = (response: ServerResponse, body: unknown): void => {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(body))
}

const NO_REVOCATIONS: RevocationsPage = {
  epoch: 'epoch-1',
  all: false,
  sessions: [],
  users: [],
  after: 'start',
  more: false,
}

export async function startBridge(
  t: Cleanup,
  keys: unknown[],
  issuer = ISSUER,
  credential = CREDENTIAL,
): Promise<TestBridge> {
  const bridge: TestBridge = {
    issuer,
    credential,
    seen: [],
    jwksUrl: '',
    validateUrl: '',
    revocationsUrl: '',
    revocations: () => NO_REVOCATIONS,
    polls: 0,
    jwks: { keys },
    jwksFetches: 0,
    events: new EventEmitter(),
    questions: [],
    respondValidate: (response) => {
      sendJson(response, { status: 'Invalid' })
    },
  }
  const sendRevocations = async (query: URLSearchParams, response: ServerResponse) => {
    const page = await bridge.revocations(query)
    response.on('close', () => {
      bridge.polls++
      bridge.events.emit('revocations')
    })
    sendJson(response, page)
  }
  const url = await listen(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://bridge')
    bridge.seen.push({ path: pathname, authorization: request.headers.authorization })
    if (pathname === '/jwks') {
      // Not when the answer was sent: the gate hangs up when it has read it all.
      request.socket.once('close', () => {
        bridge.jwksFetches++
        bridge.events.emit('jwks')
      })
      if (bridge.respondJwks !== undefined) bridge.respondJwks(response)
      else sendJson(response, bridge.jwks)
      return
    }
    if (pathname === '/revocations') {
      if (bridge.respondRevocations !== undefined) {
        bridge.respondRevocations(response)
        return
      }
      if (request.headers.authorization !== `Bearer ${bridge.credential}`) {
        response.writeHead(401).end()
        return
      }
      void sendRevocations(searchParams, response)
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const question = JSON.parse(Buffer.concat(chunks).toString()) as ValidateRequest
      bridge.questions.push({ ...question, authorization: request.headers.authorization })
      bridge.respondValidate(response)
    })
  })
  bridge.jwksUrl = `${url}/jwks`
  bridge.validateUrl = `${url}/validate`
  bridge.revocationsUrl = `${url}/revocations`
  return bridge
}

/** An answer for {@link TestBridge.respondValidate}. */
export const verdict =
  (body: unknown): TestBridge['respondValidate'] =>
  (response) => {
    sendJson(response, body)
  }

/** What stands around a gate. */
export interface Neighbours {
  /** The one that the bridge publishes. */
  key: TestKey
  bridge: TestBridge
  upstream: Upstream
  /** The directive that leads to the upstream. */
  pass: string
}

export async function startNeighbours(t: Cleanup): Promise<Neighbours> {
  const key = newKey('key-1')
  const bridge = await startBridge(t, [key.publicJwk])
  const upstream = await startUpstream(t)
  return { key, bridge, upstream, pass: `proxy_pass ${upstream.url};` }
}
