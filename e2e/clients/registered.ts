/** The clients of `clients.test.ts` and `another-odoo.spec.ts`, as the bridge has them registered. */
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import type { RegisteredClient } from '../stack/description.ts'
import { newSecret } from '../stack/folders.ts'

function newKey(): JsonWebKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid: 'first', alg: 'ES256' }
}

/** A web app at an address of its own, where nobody listens: the browser of the test tells it. */
const webApp = (client_id: string, client_name: string, api: string): RegisteredClient => ({
  client_id,
  client_name,
  first_party: true,
  redirect_uris: [`https://${client_id}.example/callback`],
  post_logout_redirect_uris: [`https://${client_id}.example/signed-out`],
  scope: 'odoo.read',
  resources: [api],
})

/** Odoo with OCA's `auth_oidc`, which `another-odoo.spec.ts` starts on a free port. */
const anotherOdoo = (api: string): RegisteredClient => ({
  client_id: 'another-odoo',
  client_name: 'Another Odoo',
  first_party: true,
  redirect_uris: ['http://127.0.0.1/auth_oauth/signin'],
  grant_types: ['authorization_code'],
  scope: 'openid',
  resources: [api],
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret: newSecret(),
  // It takes no other.
  id_token_signed_response_alg: 'RS256',
})

/** The same page, by the address and by the name: the one is of another site than the bridge. */
export const origins = (page: string): string[] => [page, page.replace('127.0.0.1', 'localhost')]

/**
 * One for each library and each way in which a client can prove itself with it.
 * @param api audience of the API
 * @param page origin of the app that is in a browser, on loopback
 */
export const independentClients = (api: string, page: string): RegisteredClient[] => [
  webApp('openid-client', 'openid-client', api),
  {
    ...webApp('openid-client-key', 'openid-client with a key', api),
    token_endpoint_auth_method: 'private_key_jwt',
    client_key: newKey(),
  },
  {
    ...webApp('oauth4webapi', 'oauth4webapi', api),
    first_party: false,
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: newSecret(),
  },
  {
    ...webApp('authlib', 'Authlib', api),
    first_party: false,
    token_endpoint_auth_method: 'client_secret_post',
    client_secret: newSecret(),
  },
  webApp('authlib-public', 'Authlib without a secret', api),
  {
    ...webApp('go-oidc', 'go-oidc', api),
    first_party: false,
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: newSecret(),
  },
  webApp('go-oidc-public', 'go-oidc without a secret', api),
  {
    ...webApp('nimbus', 'Nimbus', api),
    first_party: false,
    token_endpoint_auth_method: 'client_secret_post',
    client_secret: newSecret(),
  },
  {
    ...webApp('nimbus-key', 'Nimbus with a key', api),
    token_endpoint_auth_method: 'private_key_jwt',
    client_key: newKey(),
  },
  anotherOdoo(api),
  {
    client_id: 'oidc-client-ts',
    client_name: 'oidc-client-ts',
    first_party: true,
    redirect_uris: origins(page).flatMap((origin) => [
      `${origin}/callback.html`,
      `${origin}/silent.html`,
    ]),
    post_logout_redirect_uris: origins(page).map((origin) => `${origin}/signed-out.html`),
    scope: 'odoo.read',
    resources: [api],
  },
]
