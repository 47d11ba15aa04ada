import type { ErrorCode, ErrorResponse } from '@drawbridge/bridge/contract'
import { SessionError } from '../auth/index.ts'

/** Why a call for data failed: the bridge's code, or one of these. */
export type ApiErrorCode = ErrorCode | 'offline' | 'unreachable' | 'bad_response'

/** What the functions of this folder reject with. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  /** Why, in Odoo's own words, where it is Odoo that does not let the user. */
  readonly odooMessage: string | undefined
  /** Whether nobody could answer, as opposed to: somebody said no. */
  readonly isOutage: boolean

  constructor(
    code: ApiErrorCode,
    options: ErrorOptions & { odooMessage?: string; isOutage?: boolean } = {},
  ) {
    super(code, options)
    this.code = code
    this.odooMessage = options.odooMessage
    this.isOutage = options.isOutage ?? (code === 'offline' || code === 'unreachable')
  }
}

/** The error of an answer that is not 2xx. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as Partial<ErrorResponse> | null
  if (body?.error) {
    const { error, odoo_message } = body
    return new ApiError(error, {
      isOutage: response.status >= 500,
      ...(odoo_message === undefined ? {} : { odooMessage: odoo_message }),
    })
  }
  return new ApiError(response.status >= 500 ? 'unreachable' : 'bad_response')
}

/**
 * The error of a call that found no answer at all.
 * @returns null if the session is over or another user's: the app is told of that by an event
 */
export function errorWithoutAnswer(error: unknown): ApiError | null {
  if (!(error instanceof SessionError)) return new ApiError('bad_response', { cause: error })
  switch (error.code) {
    case 'signed_out':
    case 'user_changed':
    case 'invalid_refresh_token':
    case 'session_ended':
      return null
    case 'offline':
    case 'unreachable':
      return new ApiError(error.code, { cause: error })
    default:
      return new ApiError(error.code, { cause: error, isOutage: (error.status ?? 0) >= 500 })
  }
}
