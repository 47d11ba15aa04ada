/**
 * Flow B for pages: an app that renders them on its server, signs people in by the code flow, and
 * keeps the access token in a cookie of its own. Who may see a page is the gate's to say: the app
 * believes its headers and looks at no token.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { GATE_HEADERS } from '@drawbridge/bridge/contract'
import * as oauth from 'oauth4webapi'

export interface HandbookOptions {
  issuer: string
  clientId: string
  /** As registered; its origin is where people see the app. */
  redirectUri: string
  /** What its tokens are for. @see RFC 8707 */
  resource: string
  /** The port that it listens on, behind the gate. */
  port: number
}

/** What the browser keeps while it is at the bridge. */
interface Attempt {
  state: string
  verifier: string
  returnTo: string
}

export const TOKEN_COOKIE = '__Host-handbook'
const ATTEMPT_COOKIE = '__Host-handbook-attempt'

// The library marks this as deprecated so that it stands out: it is for plain http on loopback.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const insecure = { [oauth.allowInsecureRequests]: true }
const clientAuth = oauth.None()

/** Lax, because the browser comes back from the bridge, which is another site. */
const cookie = (name: string, value: string, maxAge: number): string =>
  `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`

const encode = (attempt: Attempt): string =>
  Buffer.from(JSON.stringify(attempt)).toString('base64url')

/** Anybody may have written the address that leads here, not the gate alone. */
function ownPath(asked: string | null, origin: string): string {
  if (!asked?.startsWith('/') || !URL.canParse(asked, origin)) return '/'
  const url = new URL(asked, origin)
  return url.origin === origin && !url.pathname.startsWith('//') ? url.pathname + url.search : '/'
}

function attemptOf({ headers }: IncomingMessage): Attempt {
  const value = new RegExp(`(?:^|; )${ATTEMPT_COOKIE}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1]
  if (value === undefined) throw new Error('Nobody began to sign in in this browser.')
  return JSON.parse(Buffer.from(value, 'base64url').toString()) as Attempt
}

/** Starts the app on loopback. */
export async function startHandbook(options: HandbookOptions): Promise<Server> {
  const { issuer, redirectUri, resource } = options
  const { origin, pathname: signedIn } = new URL(redirectUri)
  const client: oauth.Client = { client_id: options.clientId }
  const discovered = await oauth.discoveryRequest(new URL(issuer), insecure)
  const bridge = await oauth.processDiscoveryResponse(new URL(issuer), discovered)

  const lead = (response: ServerResponse, location: string, ...cookies: string[]): void => {
    response.writeHead(303, { location, 'set-cookie': cookies, 'cache-control': 'no-store' }).end()
  }

  async function begin(address: URL, response: ServerResponse): Promise<void> {
    const attempt: Attempt = {
      state: oauth.generateRandomState(),
      verifier: oauth.generateRandomCodeVerifier(),
      returnTo: ownPath(address.searchParams.get('return'), origin),
    }
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: 'odoo.read',
      resource,
      state: attempt.state,
      code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    })
    const location = `${bridge.authorization_endpoint ?? ''}?${query.toString()}`
    lead(response, location, cookie(ATTEMPT_COOKIE, encode(attempt), 600))
  }

  async function finish(
    request: IncomingMessage,
    address: URL,
    response: ServerResponse,
  ): Promise<void> {
    const { state, verifier, returnTo } = attemptOf(request)
    const parameters = oauth.validateAuthResponse(bridge, client, address, state)
    const answer = await oauth.authorizationCodeGrantRequest(
      bridge,
      client,
      clientAuth,
      parameters,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(bridge, client, answer)
    lead(
      response,
      returnTo,
      cookie(TOKEN_COOKIE, tokens.access_token, tokens.expires_in ?? 60),
      cookie(ATTEMPT_COOKIE, '', 0),
    )
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(request.url ?? '/', origin)
    if (address.pathname === '/login') {
      await begin(address, response)
    } else if (address.pathname === signedIn) {
      await finish(request, address, response)
    } else {
      const sub = request.headers[GATE_HEADERS.sub.toLowerCase()]
      response.setHeader('content-type', 'text/html')
      response.end(
        `<!doctype html><html lang="en"><title>Handbook</title><h1>Handbook</h1><p role="status">User ${String(sub)}</p></html>`,
      )
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
