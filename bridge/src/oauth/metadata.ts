import { apiAudience, OPENID_SCOPES, PATHS, SCOPE_READ, SCOPE_WRITE } from '../contract/index.ts'
import { ACR_VALUES } from '../tokens/acr.ts'
import { ASSERTION_ALGORITHMS } from './client-assertion.ts'
import { CLAIMS } from './userinfo.ts'

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
  scopes_supported: [...OPENID_SCOPES, ...SCOPES],
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
  ui_locales_supported: ['en', 'fr', 'de', 'es'],
})

/**
 * What an OpenID client needs to know besides.
 * @param machineClients whether `client_credentials` is offered
 * @param algorithms that ID tokens are signed with
 * @see OpenID Connect Discovery 1.0 §3
 */
export const openidConfiguration = (
  issuer: string,
  machineClients: boolean,
  algorithms: readonly string[],
) => ({
  ...authorizationServerMetadata(issuer, machineClients),
  userinfo_endpoint: issuer + PATHS.userinfo,
  end_session_endpoint: issuer + PATHS.endSession,
  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: algorithms,
  acr_values_supported: ACR_VALUES,
  claim_types_supported: ['normal'],
  claims_supported: [
    'sub',
    'iss',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'amr',
    'acr',
    'nonce',
    'sid',
    ...CLAIMS,
  ],
  claims_parameter_supported: true,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
  prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
})

/** Where whoever was refused at the gate can get a token. @see RFC 9728 §2 */
export const protectedResourceMetadata = (issuer: string) => ({
  resource: apiAudience(issuer),
  authorization_servers: [issuer],
  scopes_supported: SCOPES,
  bearer_methods_supported: ['header'],
})
