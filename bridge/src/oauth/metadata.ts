import { apiAudience, PATHS, SCOPE_READ, SCOPE_WRITE } from '../contract/index.ts'

const SCOPES = [SCOPE_READ, SCOPE_WRITE]

/** What an OAuth client needs to know to use the bridge. @see RFC 8414 §2 */
export const authorizationServerMetadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: issuer + PATHS.authorize,
  token_endpoint: issuer + PATHS.token,
  jwks_uri: issuer + PATHS.jwks,
  scopes_supported: SCOPES,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['none'],
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
