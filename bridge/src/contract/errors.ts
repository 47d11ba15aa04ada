/**
 * Every error code that an answer can carry, with its HTTP status and what it tells the caller.
 * A code never changes its meaning; `docs/errors.md` explains each.
 */
export const ERRORS = {
  invalid_request: { status: 400, description: 'The request is malformed.' },
  not_found: { status: 404, description: 'There is nothing at this address.' },
  unsupported_media_type: { status: 415, description: 'Send application/json.' },
  invalid_credentials: { status: 401, description: 'Wrong login or password.' },
  mfa_required: {
    status: 401,
    description: 'The password is right. Send the code of the second factor with it.',
  },
  invalid_totp: {
    status: 401,
    description: 'The code is wrong or was used before. Wait for the next one.',
  },
  sign_in_not_begun: {
    status: 400,
    description: 'This sign-in was not begun in this browser, or took too long. Begin again.',
  },
  sign_in_refused: {
    status: 403,
    description: 'Nobody was signed in there. Begin again.',
  },
  unknown_user: {
    status: 403,
    description: 'No user here belongs to that account. Ask the people who run your Odoo.',
  },
  mfa_not_offered: {
    status: 403,
    description:
      'Odoo asks you for a second factor, which this way does not offer. Sign in with your password.',
  },
  too_many_attempts: {
    status: 429,
    description: 'Too many failed attempts. Try again later.',
  },
  invalid_refresh_token: {
    status: 401,
    description: 'The session is over. Sign in again.',
  },
  invalid_gate_credential: {
    status: 401,
    description: 'This address answers to the gate only.',
  },
  invalid_token: { status: 401, description: 'The access token is invalid or expired.' },
  invalid_odoo_proof: {
    status: 401,
    description: 'This address answers to the paired Odoo only.',
  },
  session_ended: { status: 401, description: 'The session is over. Sign in again.' },
  insufficient_scope: { status: 403, description: 'The token does not allow this.' },
  origin_refused: { status: 403, description: 'This request must come from the same origin.' },
  database_unavailable: {
    status: 503,
    description: 'The database does not answer. Try again shortly.',
  },
  provider_unavailable: {
    status: 503,
    description: 'That provider does not answer. Try again shortly, or sign in another way.',
  },
  odoo_forbidden: { status: 403, description: 'Odoo does not let you do this.' },
  odoo_refused: { status: 422, description: 'Odoo does not take this.' },
  odoo_unavailable: { status: 503, description: 'Odoo does not answer. Try again shortly.' },
  keys_unavailable: { status: 503, description: 'No signing key at hand. Try again shortly.' },
  invalid_client: {
    status: 401,
    description: 'The client is unknown, or did not prove who it is.',
  },
  unauthorized_client: { status: 400, description: 'This client may not do that.' },
  access_denied: {
    status: 403,
    description: 'You may not use this app, or did not allow it what it asks for.',
  },
  invalid_grant: {
    status: 400,
    description: 'The code or refresh token is invalid, expired, revoked or was used before.',
  },
  unsupported_grant_type: { status: 400, description: 'This grant type is not offered.' },
  unsupported_response_type: { status: 400, description: 'Only response_type=code is offered.' },
  request_not_supported: { status: 400, description: 'Request objects are not taken.' },
  request_uri_not_supported: { status: 400, description: 'Request objects are not fetched.' },
  registration_not_supported: { status: 400, description: 'Clients cannot register themselves.' },
  login_required: { status: 400, description: 'The user has to sign in.' },
  unmet_authentication_requirements: {
    status: 400,
    description: 'The user did not sign in in the way that was asked for.',
  },
  consent_required: { status: 400, description: 'The user has to be asked first.' },
  invalid_scope: { status: 400, description: 'This scope is not offered to this client.' },
  invalid_target: { status: 400, description: 'This resource is not offered to this client.' },
  temporarily_unavailable: {
    status: 503,
    description: 'Who signs in cannot be checked now. Try again shortly.',
  },
  server_error: { status: 500, description: 'Something went wrong here.' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** The body of every error answer. @see RFC 6749 §5.2 */
export interface ErrorResponse {
  error: ErrorCode
  error_description: string
  /** With `odoo_forbidden` and `odoo_refused`: why, in Odoo's own words, for the person. */
  odoo_message?: string
}
