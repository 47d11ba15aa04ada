import type { RefusalReason } from './refusals.ts'
import type { VerifiedToken } from './verified-token.ts'

/** The token that may pass, or why the request is refused. */
export type Decision = VerifiedToken | RefusalReason
