import { apiAudience, PATHS, SCOPE_READ, SCOPE_WRITE } from '../contract/index.ts'
import { ASSERTION_ALGORITHMS } from './client-assertion.ts'

const SCOPES = [SCOPE_READ, SCOPE_WRITE]

/** How a client that can keep a secret shows who it is. */
const PROOFS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/**
 * What an OAuth client needs to know to use the bridge. @see RFC 8414 §2
 * @param machineClients whether `client_credentials` is offered
 */
export const authorizationServerMetadata = (issuer: string, machineClients: boolean) => ({
  issuer,
  authorization_endpoint: issuer + PATHS.authorize,
  token_endpoint: issuer + PATHS.token,
  revocation_endpoint: issuer + PATHS.revoke,
  introspection_endpoint: issuer + PATHS.introspect,
  jwks_uri: issuer + PATHS.jwks,
  scopes_supported: SCOPES,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: [
    'authorization_code',
    'refresh_token',
    ...(machineClients ? ['client_credentials'] : []),
  ],
  token_endpoint_auth_methods_supported: ['none', ...PROOFS],
  token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  revocation_endpoint_auth_methods_supported: ['none', ...PROOFS],
  revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  introspection_endpoint_auth_methods_supported: PROOFS,
  introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
})

/** Where whoever was refused at the gate can get a token. @see RFC 9728 §2 */
export const protectedResourceMetadata = (issuer: string) => ({
  resource: apiAudience(issuer),
  authorization_servers: [issuer],
  scopes_supported: SCOPES,
  bearer_methods_supported: ['header'],
})
