/** An app that is told of sign-outs, for the tests. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'

/** One request, as it came. */
export interface Received {
  method: string | undefined
  path: string | undefined
  contentType: string | undefined
  body: string
  logoutToken: string
}

export interface LogoutReceiver {
  uri: string
  /** All that came, in its order. */
  received: Received[]
  /** Answers from now on. The first answer is 200. */
  answer: (response: ServerResponse, received: Received) => void
  /** Resolves when so many have come, altogether. */
  came(count: number): Promise<Received[]>
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks = (await request.toArray()) as Buffer[]
  const body = Buffer.concat(chunks).toString()
  return {
    method: request.method,
    path: request.url,
    contentType: request.headers['content-type'],
    body,
    logoutToken: new URLSearchParams(body).get('logout_token') ?? '',
  }
}

export async function startLogoutReceiver(t: {
  teardown: (end: () => unknown) => void
}): Promise<LogoutReceiver> {
  const arrivals = new EventEmitter()
  const server = createServer((request, response) => {
    void read(request).then((received) => {
      receiver.received.push(received)
      receiver.answer(response, received)
      arrivals.emit('came')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const receiver: LogoutReceiver = {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logged-out?app=1`,
    received: [],
    answer: (response) => response.end(),
    came: async (count) => {
      while (receiver.received.length < count) await once(arrivals, 'came')
      return receiver.received
    },
  }
  return receiver
}

/**
 * What an app has to look at. @see OpenID Connect Back-Channel Logout 1.0 §2.6
 * @returns the claims; rejects where anything is not as it should be
 */
export async function verifyLogoutToken(
  token: string,
  keys: JSONWebKeySet,
  issuer: string,
  clientId: string,
): Promise<JWTPayload & { sid: unknown }> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    issuer,
    audience: clientId,
    typ: 'logout+jwt',
    algorithms: ['ES256', 'RS256'],
    maxTokenAge: 120,
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'sub', 'sid', 'events'],
  })
  const { events, sid } = payload
  const event = 'http://schemas.openid.net/event/backchannel-logout'
  if (JSON.stringify(events) !== JSON.stringify({ [event]: {} })) throw new Error('events')
  if ('nonce' in payload) throw new Error('nonce')
  if (typeof payload.aud !== 'string') throw new Error('aud')
  if ((payload.exp ?? Infinity) - (payload.iat ?? 0) > 120) throw new Error('exp')
  return { ...payload, sid }
}
