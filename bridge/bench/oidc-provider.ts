/**
 * The peer: npm `oidc-provider` with its own in-memory adapter, in a process of its own. It signs
 * access tokens by ES256 as JWTs and rotates refresh tokens, or, where introspection is measured,
 * issues opaque ones: it introspects no others.
 *
 * Arguments: `jwt` or `opaque`, and the number of sessions. Sends one {@link PeerReady}.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type JWK } from 'oidc-provider'

export interface PeerReady {
  origin: string
  /** Of the client that refreshes. */
  client_id: string
  /** `Authorization` of the client that introspects. */
  authorization: string
  /** Refresh tokens, or access tokens in the mode `opaque`. */
  tokens: string[]
}

const [format = 'jwt', count = '1'] = process.argv.slice(2)
const ACCESS_TOKEN_TTL = 600
const CLIENT_ID = 'bench'
const GATE_ID = 'gate'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key: JWK = {
  ...privateKey.export({ format: 'jwk' }),
  kty: 'EC',
  alg: 'ES256',
  use: 'sig',
  kid: 'bench',
}
const secret = randomBytes(32).toString('base64url')

const server = createServer()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const resource = `${origin}/api`

const provider = new Provider(origin, {
  jwks: { keys: [key] },
  clients: [
    {
      client_id: CLIENT_ID,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1/callback'],
      application_type: 'native',
      id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: GATE_ID,
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  scopes: ['offline_access', 'odoo.read', 'odoo.write'],
  rotateRefreshToken: true,
  ttl: { AccessToken: ACCESS_TOKEN_TTL, RefreshToken: 6 * 86_400, Grant: 180 * 86_400 },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'odoo.read odoo.write',
        audience: resource,
        accessTokenTTL: ACCESS_TOKEN_TTL,
        accessTokenFormat: format === 'jwt' ? 'jwt' : 'opaque',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
const handle = provider.callback()
server.on('request', (request, response) => {
  void handle(request, response)
})

/** What a sign-in with consent would have left behind. */
async function session(index: number): Promise<string> {
  const accountId = String(index + 1)
  const client = await provider.Client.find(CLIENT_ID)
  if (client === undefined) throw new TypeError('The client is not registered.')
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID })
  grant.addOIDCScope('offline_access')
  grant.addResourceScope(resource, 'odoo.read odoo.write')
  const grantId = await grant.save()
  const common = {
    accountId,
    client,
    grantId,
    gty: 'authorization_code',
    expiresWithSession: false,
  }
  if (format === 'jwt') {
    const scope = 'offline_access odoo.read odoo.write'
    return new provider.RefreshToken({ ...common, scope, resource }).save()
  }
  const accessToken = new provider.AccessToken({
    ...common,
    scope: 'odoo.read odoo.write',
  })
  accessToken.resourceServer = new provider.ResourceServer(resource, {
    scope: 'odoo.read odoo.write',
    audience: resource,
    accessTokenTTL: ACCESS_TOKEN_TTL,
    accessTokenFormat: 'opaque',
  })
  return accessToken.save()
}

const tokens: string[] = []
for (let index = 0; index < Number(count); index++) tokens.push(await session(index))
const ready: PeerReady = {
  origin,
  client_id: CLIENT_ID,
  authorization: `Basic ${Buffer.from(`${GATE_ID}:${secret}`).toString('base64')}`,
  tokens,
}
process.send?.(ready)
process.on('disconnect', () => {
  process.exit()
})
