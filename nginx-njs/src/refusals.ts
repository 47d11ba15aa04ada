/** How a refused request is answered. */
export interface Refusal {
  /** HTTP status. */
  status: number
  /** Whether `WWW-Authenticate` goes with it: where another token would do. */
  challenge: boolean
  /** `error` of the body and, where a challenge goes with it, of `WWW-Authenticate`. */
  error: string
  error_description: string
}

const invalidToken = (error_description: string): Refusal => ({
  status: 401,
  challenge: true,
  error: 'invalid_token',
  error_description,
})

// One text for everything that only its maker or a thief can learn from: the exact reason stands
// in $drawbridge_status, for the operator.
const INVALID = 'The access token is invalid'

/**
 * Every reason to refuse a request, by the name that `$drawbridge_status` gives to it.
 * @see RFC 6750 §3.1
 */
export const REFUSALS = {
  no_token: {
    status: 401,
    challenge: true,
    error: 'missing_token',
    error_description: 'An access token is needed',
  },
  malformed: invalidToken(INVALID),
  wrong_type: invalidToken(INVALID),
  unknown_key: invalidToken(INVALID),
  bad_signature: invalidToken(INVALID),
  wrong_issuer: invalidToken(INVALID),
  wrong_audience: invalidToken(INVALID),
  too_long_lived: invalidToken(INVALID),
  not_yet_valid: invalidToken(INVALID),
  refused_by_bridge: invalidToken(INVALID),
  revoked: invalidToken(INVALID),
  too_old: invalidToken('The access token is too old for this'),
  expired: invalidToken('The access token expired'),
  insufficient_scope: {
    status: 403,
    challenge: true,
    error: 'insufficient_scope',
    error_description: 'The access token does not allow this',
  },
  insufficient_role: {
    status: 403,
    challenge: true,
    error: 'access_denied',
    error_description: 'The user may not do this',
  },
  cross_site: {
    status: 403,
    challenge: false,
    error: 'access_denied',
    error_description: 'The request comes from another site',
  },
  identity_header: {
    status: 400,
    challenge: false,
    error: 'invalid_request',
    error_description: 'The request carries a header that only the gate may set',
  },
  keys_unavailable: {
    status: 503,
    challenge: false,
    error: 'temporarily_unavailable',
    error_description: 'The access token cannot be checked now. Try again shortly',
  },
  revocations_unavailable: {
    status: 503,
    challenge: false,
    error: 'temporarily_unavailable',
    error_description: 'The access token cannot be checked now. Try again shortly',
  },
  bridge_unavailable: {
    status: 503,
    challenge: false,
    error: 'temporarily_unavailable',
    error_description: 'The access token cannot be checked now. Try again shortly',
  },
  misconfigured: {
    status: 500,
    challenge: false,
    error: 'server_error',
    error_description: 'Something went wrong here',
  },
}

export type RefusalReason = keyof typeof REFUSALS

/** Whether a value of `$drawbridge_status` names a refusal. */
export const isRefusal = (status: string | undefined): status is RefusalReason =>
  status !== undefined && Object.keys(REFUSALS).includes(status)
