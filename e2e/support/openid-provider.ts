/** Somebody else's OpenID provider: the real npm `oidc-provider`, on loopback, in this process. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Grant, type JWK } from 'oidc-provider'

export interface Person {
  sub: string
  email?: string
  email_verified?: unknown
  amr?: string[]
}

export interface OpenIdProvider {
  issuer: string
  clientId: string
  clientSecret: string
  /** Who may sign in; the form asks for the `sub` alone. */
  people: Map<string, Person>
  /** The private key that tokens are signed with. */
  key: JWK
  /** Changes what is answered at a path: gets the body, gives another. */
  tamper: Map<string, (body: string) => string>
  /** Takes the place of what is answered at a path. */
  instead: Map<string, RequestListener>
  /** Paths that were asked for, in their order. */
  asked: string[]
  /** Signs with a new key from now on, and publishes no other. */
  rotateKey(): void
  stop(): Promise<void>
}

function newKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomBytes(8).toString('hex')
  return { ...privateKey.export({ format: 'jwk' }), kty: 'RSA', alg: 'RS256', use: 'sig', kid }
}

const FORM = (action: string) => `<!doctype html>
<html lang="en">
<title>Example identities</title>
<h1>Example identities</h1>
<form method="post" action="${action}">
  <label>Account <input name="account" required></label>
  <button name="verdict" value="yes">Allow</button>
  <button name="verdict" value="no" formnovalidate>Refuse</button>
</form>`

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

/** Lets `change` have the last word on a body that is sent in one piece, as JSON is. */
function tampered(response: ServerResponse, change: (body: string) => string): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse
  response.end = ((body: unknown) => {
    const text = change(Buffer.isBuffer(body) || typeof body === 'string' ? body.toString() : '')
    if (!response.headersSent) response.setHeader('content-length', Buffer.byteLength(text))
    return end(text)
  }) as typeof response.end
}

/**
 * @param redirectUris where the one client may have people sent back to
 * @param clientSecret what it proves itself with
 * @param port of 127.0.0.1; a free one where it is 0
 */
export async function startOpenIdProvider(
  redirectUris: string[],
  clientSecret = randomBytes(32).toString('base64url'),
  port = 0,
): Promise<OpenIdProvider> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const people = new Map<string, Person>()
  const clientId = 'drawbridge'

  const open = (key: JWK): { provider: Provider; handle: RequestListener } => {
    const provider: Provider = new Provider(issuer, {
      jwks: { keys: [key] },
      cookies: { keys: [randomBytes(16).toString('hex')] },
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          redirect_uris: redirectUris,
          require_auth_time: true,
        },
      ],
      claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'] },
      findAccount: (_context, sub) => {
        const person = people.get(sub)
        return person && { accountId: sub, claims: () => ({ ...person }) }
      },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      // What the operator allowed once is not asked of each person.
      loadExistingGrant: async ({ oidc }): Promise<Grant | undefined> => {
        const accountId = oidc.session?.accountId
        if (accountId === undefined) return undefined
        const grant = new provider.Grant({ accountId, clientId })
        grant.addOIDCScope('openid email')
        await grant.save()
        return grant
      },
    })
    const callback = provider.callback()
    const handle: RequestListener = (request, response) => {
      void callback(request, response)
    }
    return { provider, handle }
  }

  const key = newKey()
  let current = open(key)

  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(FORM(request.url ?? ''))
      return
    }
    const body = await bodyOf(request)
    const sub = body.get('account') ?? ''
    const amr = people.get(sub)?.amr
    await current.provider.interactionFinished(
      request,
      response,
      body.get('verdict') === 'yes' && people.has(sub)
        ? { login: { accountId: sub, ...(amr === undefined ? {} : { amr }) } }
        : { error: 'access_denied' },
    )
  }

  const upstream: OpenIdProvider = {
    issuer,
    clientId,
    clientSecret,
    people,
    key,
    tamper: new Map(),
    instead: new Map(),
    asked: [],
    rotateKey: () => {
      upstream.key = newKey()
      current = open(upstream.key)
    },
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split('?')[0] ?? ''
    upstream.asked.push(path)
    const instead = upstream.instead.get(path)
    if (instead) {
      instead(request, response)
      return
    }
    const change = upstream.tamper.get(path)
    if (change) tampered(response, change)
    if (path.startsWith('/interaction/')) {
      interact(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    } else {
      current.handle(request, response)
    }
  })
  return upstream
}
